import Foundation

/// A PNG of any kind, uncompressed, byte by byte: the encoder of the program writes one kind alone.
enum RawPNG {
    /// - Parameters:
    ///   - bits: of a sample, 1 to 16.
    ///   - colourType: 0 grey, 2 RGB, 3 palette, 4 grey and alpha, 6 RGB and alpha.
    ///   - palette: RGB of each index.
    ///   - rows: samples, interleaved.
    static func make(
        width: Int, bits: Int = 8, colourType: UInt8 = 0, palette: [[UInt8]] = [], extra: [(String, [UInt8])] = [],
        rows: [[Int]]
    ) -> Data {
        var raw: [UInt8] = []
        for row in rows {
            raw.append(0)
            if bits == 16 {
                raw += row.flatMap { [UInt8($0 >> 8), UInt8($0 & 255)] }
            } else {
                var (byte, filled) = (0, 0)
                for sample in row {
                    byte = byte << bits | sample
                    filled += bits
                    if filled == 8 {
                        raw.append(UInt8(byte))
                        (byte, filled) = (0, 0)
                    }
                }
                if filled > 0 { raw.append(UInt8(byte << (8 - filled) & 255)) }
            }
        }
        var data = Data([0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A])
        func add(_ name: String, _ body: [UInt8]) {
            let named = Array(name.utf8) + body
            data += big(UInt32(body.count)) + named + big(checksum(named))
        }
        add("IHDR", big(UInt32(width)) + big(UInt32(rows.count)) + [UInt8(bits), colourType, 0, 0, 0])
        extra.forEach { add($0.0, $0.1) }
        if !palette.isEmpty { add("PLTE", palette.flatMap { $0 }) }
        add("IDAT", stored(raw))
        add("IEND", [])
        return data
    }

    /// zlib with stored blocks.
    private static func stored(_ bytes: [UInt8]) -> [UInt8] {
        var out: [UInt8] = [0x78, 0x01]
        var start = 0
        repeat {
            let end = min(start + 65_535, bytes.count)
            let count = UInt16(end - start)
            out += [end == bytes.count ? 1 : 0, UInt8(count & 255), UInt8(count >> 8), UInt8(~count & 255), UInt8(~count >> 8)]
            out += bytes[start..<end]
            start = end
        } while start < bytes.count
        var (low, high): (UInt32, UInt32) = (1, 0)
        for byte in bytes {
            low = (low + UInt32(byte)) % 65_521
            high = (high + low) % 65_521
        }
        return out + big(high << 16 | low)
    }

    private static func big(_ value: UInt32) -> [UInt8] { (0..<4).map { UInt8(value >> (24 - 8 * $0) & 255) } }

    private static func checksum(_ bytes: [UInt8]) -> UInt32 {
        ~bytes.reduce(UInt32.max) { sum, byte in
            (0..<8).reduce(sum ^ UInt32(byte)) { sum, _ in sum & 1 == 1 ? sum >> 1 ^ 0xEDB8_8320 : sum >> 1 }
        }
    }
}
