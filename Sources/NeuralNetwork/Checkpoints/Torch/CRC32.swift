/// The CRC-32 of zip archives (IEEE 802.3, reflected), eight bytes at a time.
enum CRC32 {
    /// Row k: the effect of a byte that is followed by k others.
    private static let tables: [[UInt32]] = {
        var first = [UInt32]()
        for index in 0..<UInt32(256) {
            var value = index
            for _ in 0..<8 { value = value & 1 == 1 ? 0xEDB8_8320 ^ (value >> 1) : value >> 1 }
            first.append(value)
        }
        var tables = [first]
        for _ in 1..<8 {
            let previous = tables[tables.count - 1]
            tables.append(previous.map { (value: UInt32) -> UInt32 in first[Int(value & 0xFF)] ^ (value >> 8) })
        }
        return tables
    }()

    static func checksum(_ bytes: UnsafeRawBufferPointer) -> UInt32 {
        var value = UInt32.max
        let flat = tables.flatMap { $0 }
        flat.withUnsafeBufferPointer { table in
            var position = 0
            while position + 8 <= bytes.count {
                let word = bytes.loadUnaligned(fromByteOffset: position, as: UInt64.self) ^ UInt64(value)
                value = 0
                for byte in 0..<8 {
                    let index = Int(truncatingIfNeeded: (word >> UInt64(8 * byte)) & 0xFF)
                    value ^= table[(7 - byte) * 256 + index]
                }
                position += 8
            }
            while position < bytes.count {
                value = table[Int((value ^ UInt32(bytes[position])) & 0xFF)] ^ (value >> 8)
                position += 1
            }
        }
        return ~value
    }
}
