/// A fixed-width typeface of 5×8 dots for captions: printable ASCII, drawn for this project.
enum BitmapFont {
    static let width = 5
    static let height = 8
    /// From one character's left edge to the next one's, in dots.
    static let advance = 6

    /// Whether a dot of a character is set; characters outside ASCII show as a hollow box.
    static func isSet(_ character: Unicode.Scalar, column: Int, row: Int) -> Bool {
        let index = Int(character.value) - 32
        guard glyphs.indices.contains(index) else {
            return row < 7 && (row == 0 || row == 6 || column == 0 || column == 4)
        }
        return glyphs[index] >> UInt64(39 - row * width - column) & 1 == 1
    }

    /// 40 bits a glyph from the space on: rows from the top, in each the leftmost dot first.
    private static let glyphs: [UInt64] = [
        0x0000000000, 0x2108420080, 0x5280000000, 0x52BEAFA940, 0x23E8E2F880, 0xCE44444E60, 0x64A4CAC9A0, 0x2100000000,
        0x1110841040, 0x4104211100, 0x012AEA9000, 0x0109F21000, 0x0000001088, 0x0000E00000, 0x0000003180, 0x0844444200,
        0x74675CC5C0, 0x23084211C0, 0x74422223E0, 0x744260C5C0, 0x11952F8840, 0xFC3C10C5C0, 0x3221E8C5C0, 0xF844421080,
        0x7462E8C5C0, 0x7462F08980, 0x0318063000, 0x0318061100, 0x1111041040, 0x003E0F8000, 0x4104111100, 0x7442220080,
        0x746F5BC1C0, 0x7463F8C620, 0xF463E8C7C0, 0x74610845C0, 0xF46318C7C0, 0xFC21E843E0, 0xFC21E84200, 0x746178C5E0,
        0x8C63F8C620, 0x71084211C0, 0x3884214980, 0x8CA98A4A20, 0x84210843E0, 0x8EEB58C620, 0x8E7359CE20, 0x746318C5C0,
        0xF463E84200, 0x74631AC9A0, 0xF463EA4A20, 0x7C20E087C0, 0xF908421080, 0x8C6318C5C0, 0x8C6318A880, 0x8C635AEE20,
        0x8C54454620, 0x8C54421080, 0xF8444443E0, 0x72108421C0, 0x8410410420, 0x70842109C0, 0x22A2000000, 0x00000003E0,
        0x4100000000, 0x001C17C5E0, 0x843D18C7C0, 0x001F0841E0, 0x085F18C5E0, 0x001D1FC1C0, 0x323C842100, 0x001F18BC2E,
        0x843D18C620, 0x20184211C0, 0x100C210A4C, 0x84254C5240, 0x61084211C0, 0x00355AD6A0, 0x003D18C620, 0x001D18C5C0,
        0x003D18FA10, 0x001F18BC21, 0x002D884200, 0x001F0707C0, 0x423C8420C0, 0x002318C5E0, 0x002318A880, 0x00231AD540,
        0x0022A22A20, 0x002318BC2E, 0x003E2223E0, 0x1108821040, 0x2108421080, 0x4108221100, 0x0011510000,
    ]
}
