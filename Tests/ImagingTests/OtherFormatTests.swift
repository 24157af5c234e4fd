import Foundation
import Imaging
import Testing

@Suite struct OtherFormatTests {
    private static func little(_ value: Int, _ bytes: Int) -> [UInt8] { (0..<bytes).map { UInt8(value >> (8 * $0) & 255) } }

    private static func read(_ bytes: [UInt8]) throws -> Image8? {
        let file = FileManager.default.temporaryDirectory.appendingPathComponent("other-" + UUID().uuidString)
        defer { try? FileManager.default.removeItem(at: file) }
        try Data(bytes).write(to: file)
        return try OtherFormat.read(file)
    }

    /// An RGB TIFF with its strip behind the header.
    private static func tiff(width: Int, height: Int, strip: [UInt8], compression: Int, predictor: Int = 1) -> [UInt8] {
        let tags: [(Int, Int, Int)] = [
            (256, 4, width), (257, 4, height), (258, 3, 8), (259, 3, compression), (262, 3, 2), (273, 4, 8), (277, 3, 3),
            (278, 4, height), (279, 4, strip.count), (317, 3, predictor),
        ]
        var bytes: [UInt8] = [0x49, 0x49, 0x2A, 0] + little(8 + strip.count, 4) + strip + little(tags.count, 2)
        for (tag, type, value) in tags { bytes += little(tag, 2) + little(type, 2) + little(1, 4) + little(value, 4) }
        return bytes + little(0, 4)
    }

    @Test func plainAndPackedTIFFsAreRead() throws {
        let pixels: [UInt8] = [1, 2, 3, 4, 5, 6, 9, 9, 9, 9, 9, 9]
        let plain = try #require(try Self.read(Self.tiff(width: 2, height: 2, strip: pixels, compression: 1)))
        #expect(plain.pixels == pixels && plain.width == 2 && plain.channels == 3)
        let packed: [UInt8] = [5, 1, 2, 3, 4, 5, 6, UInt8(bitPattern: -5), 9]
        #expect(try Self.read(Self.tiff(width: 2, height: 2, strip: packed, compression: 32773))?.pixels == pixels)
        let differences: [UInt8] = [1, 2, 3, 3, 3, 3, 9, 9, 9, 0, 0, 0]
        #expect(try Self.read(Self.tiff(width: 2, height: 2, strip: differences, compression: 1, predictor: 2))?.pixels == pixels)
    }

    /// Long enough for codes of 9 to 12 bits and a cleared table.
    @Test func lzwIsUnpackedAtAllWidths() throws {
        var random = SeededGenerator(seed: 4)
        let (width, height) = (60, 50)
        let pixels = (0..<width * height * 3).map { _ in UInt8(random.integer(0...40)) }
        let strip = Self.lzw(pixels)
        #expect(try Self.read(Self.tiff(width: width, height: height, strip: strip, compression: 5))?.pixels == pixels)
    }

    /// As TIFF 6.0, section 13, writes it.
    private static func lzw(_ bytes: [UInt8]) -> [UInt8] {
        var result: [UInt8] = []
        var (bits, held) = (0, 0)
        var table: [[UInt8]: Int] = [:]
        var next = 258, width = 9
        func put(_ code: Int) {
            bits = bits << width | code
            held += width
            while held >= 8 {
                held -= 8
                result.append(UInt8(bits >> held & 255))
                bits &= 1 << held - 1
            }
        }
        func reset() {
            put(256)
            (table, next, width) = ([:], 258, 9)
        }
        func code(_ string: [UInt8]) -> Int { string.count == 1 ? Int(string[0]) : table[string] ?? 0 }
        reset()
        var string: [UInt8] = []
        for byte in bytes {
            if string.isEmpty || table[string + [byte]] != nil {
                string.append(byte)
                continue
            }
            put(code(string))
            table[string + [byte]] = next
            next += 1
            if next == 4094 { reset() } else if next == 512 || next == 1024 || next == 2048 { width += 1 }
            string = [byte]
        }
        put(code(string))
        put(257)
        if held > 0 { result.append(UInt8(bits << (8 - held) & 255)) }
        return result
    }

    @Test func bitmapsAreRead() throws {
        let rows: [UInt8] = [3, 2, 1, 6, 5, 4, 0, 0, 9, 8, 7, 12, 11, 10, 0, 0]
        let header =
            [0x42, 0x4D] + Self.little(70, 4) + Self.little(0, 4) + Self.little(54, 4) + Self.little(40, 4) + Self.little(2, 4)
            + Self.little(2, 4) + Self.little(1, 2) + Self.little(24, 2) + Self.little(0, 24)
        let picture = try #require(try Self.read(header + rows))
        // The lowest row comes first.
        #expect(picture.pixels == [7, 8, 9, 10, 11, 12, 1, 2, 3, 4, 5, 6])
        #expect(throws: ImagingError.self) { try Self.read(header + rows.dropLast(9)) }
    }

    @Test func damagedFilesAreRefusedAndOthersLeftAlone() throws {
        let whole = Self.tiff(width: 9, height: 9, strip: [UInt8](repeating: 7, count: 243), compression: 1)
        for length in stride(from: 4, to: whole.count - 4, by: 7) {
            #expect(throws: ImagingError.self) { try Self.read(Array(whole.prefix(length))) }
        }
        var random = SeededGenerator(seed: 9)
        for _ in 0..<300 {
            var bytes = whole
            for _ in 0..<4 { bytes[random.integer(4...(bytes.count - 1))] = UInt8(random.integer(0...255)) }
            // Whatever it is, it ends with a picture or an error.
            _ = try? Self.read(bytes)
        }
        #expect(try Self.read([0x89, 0x50, 0x4E, 0x47]) == nil)
    }
}
