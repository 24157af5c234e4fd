/// The packings of a TIFF's strips.
enum PackedBytes {
    /// Runs and literals (TIFF 6.0, section 9).
    static func packBits(_ bytes: [UInt8], limit: Int) -> [UInt8] {
        var result: [UInt8] = []
        var place = 0
        while place < bytes.count, result.count < limit {
            let count = Int(Int8(bitPattern: bytes[place]))
            place += 1
            if count >= 0 {
                result += bytes[place..<min(bytes.count, place + count + 1)]
                place += count + 1
            } else if count > -128, place < bytes.count {
                result += [UInt8](repeating: bytes[place], count: 1 - count)
                place += 1
            }
        }
        return result
    }

    private static let clear = 256
    private static let end = 257

    /// Codes of 9 to 12 bits, the highest bit first (TIFF 6.0, section 13).
    static func lzw(_ bytes: [UInt8], limit: Int) throws -> [UInt8] {
        var result: [UInt8] = []
        // Each entry is a stretch of what was written before.
        var table: [Range<Int>] = []
        var previous: Range<Int>?
        var (bits, held, width, place) = (0, 0, 9, 0)
        while result.count < limit {
            while held < width, place < bytes.count {
                bits = bits << 8 | Int(bytes[place])
                (held, place) = (held + 8, place + 1)
            }
            guard held >= width else { break }
            held -= width
            let code = bits >> held
            bits &= 1 << held - 1
            if code == end { break }
            if code == clear {
                (table, previous, width) = ([], nil, 9)
                continue
            }
            let start = result.count
            if code < clear {
                result.append(UInt8(truncatingIfNeeded: code))
            } else if code - 258 < table.count {
                let entry = table[code - 258]
                for index in entry { result.append(result[index]) }
            } else if let previous, code - 258 == table.count {
                for index in previous { result.append(result[index]) }
                result.append(result[previous.lowerBound])
            } else {
                throw OtherFormat.corrupt("TIFF")
            }
            // The entry before, and the first byte of this one, which follows it in what was written.
            if let previous { table.append(previous.lowerBound..<previous.upperBound + 1) }
            previous = start..<result.count
            let next = table.count + 258 + 1
            width = next >= 2048 ? 12 : next >= 1024 ? 11 : next >= 512 ? 10 : 9
        }
        return result
    }
}
