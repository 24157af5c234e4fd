import Foundation

/// A Windows bitmap without compression: 1, 4 and 8 bits with a palette, 24 and 32 bits.
struct PlainBMP {
    private let reader: ByteReader

    init(_ data: Data) {
        var reader = ByteReader(data)
        reader.isLittleEndian = true
        self.reader = reader
    }

    func decode() throws -> Image8 {
        guard let start = reader.uint32(at: 10), let header = reader.uint32(at: 14), let wide = reader.uint32(at: 18),
            let high = reader.uint32(at: 22), let bits = reader.uint16(at: 28), let compression = reader.uint32(at: 30)
        else { throw OtherFormat.truncated("BMP") }
        guard header >= 40, compression == 0 || compression == 3 && bits == 32 else {
            throw OtherFormat.unsupported("a compressed or very old BMP")
        }
        // A negative height: rows from above.
        let isFromAbove = high > Int(Int32.max)
        let (width, height) = (wide, isFromAbove ? (1 << 32) - high : high)
        try OtherFormat.check(width: width, height: height)
        let stride = (width * bits + 31) / 32 * 4
        guard reader.count >= start, reader.count - start >= stride * height else { throw OtherFormat.truncated("BMP") }
        var picture = Image8(width: width, height: height, channels: 3)
        let bytes = [UInt8](reader.bytes)
        let palette = 14 + header
        for row in 0..<height {
            let line = start + (isFromAbove ? row : height - 1 - row) * stride
            for column in 0..<width {
                let place: Int
                switch bits {
                case 24: place = line + 3 * column
                case 32: place = line + 4 * column
                case 1, 4, 8:
                    let byte = Int(bytes[line + column * bits / 8])
                    let shift = 8 - bits - column * bits % 8
                    place = palette + 4 * (byte >> shift & (1 << bits - 1))
                default: throw OtherFormat.unsupported("a BMP of \(bits) bits")
                }
                guard place + 2 < bytes.count else { throw OtherFormat.corrupt("BMP") }
                for channel in 0..<3 { picture[x: column, y: row, channel: channel] = bytes[place + 2 - channel] }
            }
        }
        return picture
    }
}
