import Foundation
import Imaging
import Testing

/// PNGs with chunks that are broken, odd or made to harm: the picture is that of the file without them, or it is refused.
@Suite struct PNGOddityTests {
    private func code(_ data: Data) -> ImagingError.Code? {
        do {
            _ = try ImageDecoder.decode(data)
            return nil
        } catch { return (error as? ImagingError)?.code }
    }

    private func plain() throws -> Data {
        var pixels = [UInt8]()
        for y in 0..<20 { for x in 0..<30 { pixels += [UInt8(x * 8), UInt8(y * 12), 77] } }
        return try ImageEncoder.png(try Image8(width: 30, height: 20, channels: 3, pixels: pixels))
    }

    private func checksum(_ bytes: [UInt8]) -> UInt32 {
        var value: UInt32 = 0xFFFF_FFFF
        for byte in bytes {
            value ^= UInt32(byte)
            for _ in 0..<8 { value = value & 1 == 1 ? value >> 1 ^ 0xEDB8_8320 : value >> 1 }
        }
        return ~value
    }

    private func big(_ value: UInt32) -> [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: value >> (24 - 8 * $0)) } }

    private func chunk(_ name: String, _ body: [UInt8], isSound: Bool = true) -> [UInt8] {
        let content = Array(name.utf8) + body
        return big(UInt32(body.count)) + content + big(checksum(content) ^ (isSound ? 0 : 1))
    }

    /// The file with `bytes` behind its header.
    private func adding(_ bytes: [UInt8], to data: Data) -> Data { data.prefix(33) + Data(bytes) + data.dropFirst(33) }

    /// Deflate's stored blocks, which need no compressor.
    private func stored(_ bytes: [UInt8]) -> [UInt8] {
        var (low, high): (UInt32, UInt32) = (1, 0)
        for byte in bytes {
            low = (low + UInt32(byte)) % 65_521
            high = (high + low) % 65_521
        }
        let count = UInt16(bytes.count)
        let lengths = [count, ~count].flatMap { [UInt8($0 & 0xFF), UInt8($0 >> 8)] }
        return [0x78, 0x01, 0x01] + lengths + bytes + big(high << 16 | low)
    }

    @Test func oddChunksNeitherDisturbNorColour() throws {
        let sound = try plain()
        let picture = try ImageDecoder.decode(sound)
        let odd: [[UInt8]] = [
            chunk("tEXt", Array("Comment\0odd".utf8), isSound: false), chunk("iCCP", Array("profile\0\0nothing packed".utf8)),
            chunk("iCCP", [1, 2, 3]), chunk("gAMA", big(100_000)), chunk("gAMA", big(45_455)), chunk("gAMA", big(0)),
            chunk("sBIT", [9, 9, 9]), chunk("cHRM", [UInt8](repeating: 0xFF, count: 32)), chunk("tIME", [1]),
            chunk("zTXt", Array("a\0\0".utf8)), chunk("zzZz", [UInt8](repeating: 1, count: 3000)), chunk("pHYs", []),
        ]
        for chunk in odd {
            #expect(try ImageDecoder.decode(adding(chunk, to: sound)) == picture)
            #expect(try ImageDecoder.decode(sound.dropLast(12) + Data(chunk) + sound.suffix(12)) == picture)
        }
        #expect(try ImageDecoder.decode(adding(odd.flatMap { $0 }, to: sound)) == picture)
        #expect(try ImageDecoder.decode(sound + Data(repeating: 9, count: 9000)) == picture)
        #expect(try ImageDecoder.decode(sound + Data(chunk("tIME", [1]))) == picture)
        #expect(try ImageDecoder.decode(adding(chunk("IDAT", []), to: sound)) == picture)
    }

    @Test func whatIsNotWholeIsRefused() throws {
        let sound = try plain()
        #expect(code(sound.dropLast(12)) == .truncated)
        #expect(code(sound.dropLast(1)) == .truncated)
        let data = try #require(sound.range(of: Data("IDAT".utf8))).lowerBound
        var wrong = sound
        wrong[data + 10] ^= 1
        #expect(code(wrong) == .corrupt)
        // The data's own checksum, with a chunk checksum that fits.
        let length = Int(sound[data - 2]) << 8 | Int(sound[data - 1])
        var body = [UInt8](sound[(data + 4)..<(data + 4 + length)])
        body[length - 1] ^= 1
        func with(_ body: [UInt8]) -> Data { sound[..<(data - 4)] + Data(chunk("IDAT", body)) + sound.suffix(12) }
        #expect(code(with(body)) == .corrupt)
        body[length - 1] ^= 1
        #expect(code(with(body)) == nil)
        #expect(code(with(Array(body.prefix(length / 2)))) == .truncated)
        #expect(code(adding(chunk("ABCD", [1, 2]), to: sound)) == .corrupt)
        #expect(code(adding([UInt8](sound[8..<33]), to: sound)) == .corrupt)
        #expect(code(sound.prefix(8) + Data(chunk("CgBI", [0, 0, 0, 0])) + sound.dropFirst(8)) == .unsupportedFormat)
        // A line end that a transfer in text mode has changed.
        var text = sound
        text.remove(at: 4)
        #expect(code(text) == .corrupt)
    }

    /// A text of a few kilobytes that unpacks to many megabytes; its packed form is a run of one distance and length.
    @Test func textsThatUnpackToMegabytesAreRefused() throws {
        let sound = try plain()
        let picture = try ImageDecoder.decode(sound)
        #expect(try ImageDecoder.decode(adding(chunk("zTXt", Array("a\0\0".utf8) + stored([65, 66])), to: sound)) == picture)
        // A fixed-code block: the literal 0, then copies of 258 bytes at distance 1 (bits 11000101 00000, 13 each).
        var bits: [UInt8] = [1, 1, 0] + [0, 0, 1, 1, 0, 0, 0, 0]
        for _ in 0..<40_000 { bits += [1, 1, 0, 0, 0, 1, 0, 1] + [0, 0, 0, 0, 0] }
        bits += [0, 0, 0, 0, 0, 0, 0]
        bits += [UInt8](repeating: 0, count: (8 - bits.count % 8) % 8)
        let packed = stride(from: 0, to: bits.count, by: 8).map { start in
            (0..<8).reduce(UInt8(0)) { $0 | bits[start + $1] << UInt8($1) }
        }
        let bomb = [0x78, 0x9C] + packed + [0, 0, 0, 0]
        for body in [Array("a\0\0".utf8) + bomb, Array("a\0\u{1}\0\0\0".utf8) + bomb] {
            let name = body[2] == 0 ? "zTXt" : "iTXt"
            #expect(code(adding(chunk(name, body), to: sound)) == .corrupt, "\(name) of \(body.count) bytes")
        }
    }

    @Test func orientationTurnsAPNGToo() throws {
        let sound = try plain()
        let tiff: [UInt8] = [0x4D, 0x4D, 0, 42, 0, 0, 0, 8, 0, 1, 1, 0x12, 0, 3, 0, 0, 0, 1, 0, 6, 0, 0]
        for data in [adding(chunk("eXIf", tiff), to: sound), sound.dropLast(12) + Data(chunk("eXIf", tiff)) + sound.suffix(12)] {
            let image = try ImageDecoder.decode(data)
            #expect(image.width == 20 && image.height == 30)
            #expect(try ImageProbe(data).width == 20)
        }
    }
}
