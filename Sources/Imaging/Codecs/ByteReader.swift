import Foundation

/// Bounds-checked reads at any place of some bytes; nil past the end.
struct ByteReader {
    let bytes: Data
    var isLittleEndian = false

    /// `bytes` may be a slice: places count from its start.
    init(_ bytes: Data) { self.bytes = bytes }

    var count: Int { bytes.count }

    func byte(at place: Int) -> UInt8? {
        guard place >= 0, place < bytes.count else { return nil }
        return bytes[bytes.startIndex + place]
    }

    func uint16(at place: Int) -> Int? {
        guard let first = byte(at: place), let second = byte(at: place + 1) else { return nil }
        return isLittleEndian ? Int(second) << 8 | Int(first) : Int(first) << 8 | Int(second)
    }

    func uint32(at place: Int) -> Int? {
        guard let first = uint16(at: place), let second = uint16(at: place + 2) else { return nil }
        return isLittleEndian ? second << 16 | first : first << 16 | second
    }

    func hasBytes(_ expected: some Collection<UInt8>, at place: Int) -> Bool {
        guard place >= 0, place + expected.count <= bytes.count else { return false }
        return bytes[(bytes.startIndex + place)..<(bytes.startIndex + place + expected.count)].elementsEqual(expected)
    }
}
