import Foundation
import Imaging
import Testing

/// What people's JPEGs look like: what is whole is read with the picture of libjpeg-turbo, what has lost a part is refused.
@Suite struct JPEGOddityTests {
    private func code(_ data: Data) -> ImagingError.Code? {
        do {
            _ = try ImageDecoder.decode(data)
            return nil
        } catch { return (error as? ImagingError)?.code }
    }

    private func plain() throws -> Data {
        var pixels = [UInt8]()
        for y in 0..<48 { for x in 0..<64 { pixels += [UInt8(x * 3), UInt8(y * 5), UInt8((x * 7 + y * 13) % 200)] } }
        return try ImageEncoder.jpeg(try Image8(width: 64, height: 48, channels: 3, pixels: pixels), quality: 90)
    }

    /// Places of segments with a marker before the first scan's data.
    private func place(of marker: UInt8, in data: Data, after start: Int = 2) throws -> Int {
        try #require(data[start...].range(of: Data([0xFF, marker]))).lowerBound
    }

    private func inserting(_ bytes: [UInt8], at place: Int, in data: Data) -> Data {
        data[..<place] + Data(bytes) + data[place...]
    }

    @Test func oddChromaSamplingsAreRead() throws {
        // Pillow's own pixels at (10, 10) and (40, 20).
        let expected: [(Data, [Int], [Int])] = [
            (JPEGFixture.threeByOne, [52, 73, 92], [196, 152, 87]), (JPEGFixture.fourByTwo, [41, 75, 87], [152, 150, 89]),
            (JPEGFixture.mixedSampling, [54, 73, 88], [199, 150, 92]), (JPEGFixture.arithmetic, [54, 73, 88], [199, 150, 92]),
            (JPEGFixture.planes, [37, 50, 92], [150, 100, 89]), (JPEGFixture.scans, [38, 50, 88], [150, 100, 91]),
        ]
        for (data, first, second) in expected {
            let image = try ImageDecoder.decode(data)
            #expect((0..<3).map { Int(image[x: 10, y: 10, channel: $0]) } == first)
            #expect((0..<3).map { Int(image[x: 40, y: 20, channel: $0]) } == second)
        }
    }

    @Test func strayBytesAndOddHeadersDoNotChangeThePicture() throws {
        let sound = try plain()
        let picture = try ImageDecoder.decode(sound)
        for marker: UInt8 in [0xDB, 0xC0, 0xC4, 0xDA] {
            for count in [1, 2, 37, 700] {
                let odd = inserting([UInt8](repeating: 0x5A, count: count), at: try place(of: marker, in: sound), in: sound)
                #expect(try ImageDecoder.decode(odd) == picture, "\(count) bytes before \(marker)")
                #expect(try ImageProbe(odd).width == 64)
            }
        }
        // Behind the signature, before the first marker; fill bytes; before the end mark; behind the end.
        #expect(try ImageDecoder.decode(inserting([0xFF, 0xFF, 0xFF], at: 2, in: sound)) == picture)
        for count in [1, 2, 40, 3000] {
            #expect(
                try ImageDecoder.decode(inserting([UInt8](repeating: 0, count: count), at: sound.count - 2, in: sound)) == picture)
        }
        #expect(try ImageDecoder.decode(sound + Data(repeating: 0x5A, count: 70_000)) == picture)
        #expect(try ImageDecoder.decode(sound + (try ImageEncoder.jpeg(Image8(width: 8, height: 8, channels: 3)))) == picture)
        // JFIF 2.00; a colour transform that Adobe never had, without and with JFIF; scan parameters that mean nothing.
        var odd = sound
        odd[11] = 2
        #expect(try ImageDecoder.decode(odd) == picture)
        let adobe: [UInt8] = [0xFF, 0xEE, 0, 14] + Array("Adobe".utf8) + [0, 100, 0, 0, 0, 0, 3]
        #expect(try ImageDecoder.decode(inserting(adobe, at: 20, in: sound)) == picture)
        #expect(try ImageDecoder.decode(sound.prefix(2) + Data(adobe) + sound.dropFirst(20)) == picture)
        odd = sound
        let scan = try place(of: 0xDA, in: sound)
        odd[scan + 12] = 0
        #expect(try ImageDecoder.decode(odd) == picture)
        // No Huffman tables: the standard's.
        let tables = try place(of: 0xC4, in: sound)
        #expect(try ImageDecoder.decode(sound[..<tables] + sound[scan...]) == picture)
    }

    /// The first complaint is harmless, the second is not: libjpeg keeps only the first one's words.
    @Test func aHarmlessOddityDoesNotHideALostPart() throws {
        let sound = try plain()
        let scan = try place(of: 0xDA, in: sound)
        let half = scan + (sound.count - scan) / 2
        let end = Data([0xFF, 0xD9])
        var oddities = [sound]
        for marker: UInt8 in [0xDB, 0xC4, 0xDA] {
            oddities.append(inserting([1, 2, 3], at: try place(of: marker, in: sound), in: sound))
        }
        oddities.append(sound)
        oddities[4][11] = 2
        for odd in oddities {
            let cut = half + odd.count - sound.count
            #expect(code(odd) == nil)
            #expect(code(odd[..<cut] + end) == .truncated)
            #expect(code(Data(odd[..<cut])) == .truncated)
            #expect(code(Data(odd[..<(odd.count - 2)])) == .truncated)
            #expect(code(odd[..<cut] + end + Data(repeating: 7, count: 6000)) == .truncated)
        }
        // Stray bytes before a restart marker, and a part lost behind it.
        let restarts = JPEGFixture.restarts
        let picture = try ImageDecoder.decode(restarts)
        let start = try place(of: 0xDA, in: restarts) + 14
        let first = try place(of: 0xD0, in: restarts, after: start)
        let padded = inserting([UInt8](repeating: 0x11, count: 20), at: first, in: restarts)
        #expect(try ImageDecoder.decode(padded) == picture)
        let middle = try place(of: 0xD3, in: padded, after: start)
        #expect(code(padded[..<middle] + end) != nil)
        #expect(code(padded[..<middle] + padded[(try place(of: 0xD5, in: padded, after: middle))...]) != nil)
        var emptied = padded
        emptied.removeSubrange((middle + 2)..<(try place(of: 0xD4, in: padded, after: middle)))
        #expect(code(emptied) == .truncated)
        // More in the scan than its picture needs: what was there before it was damaged?
        let foreign = (0..<900).map { UInt8($0 * 37 % 255) }
        #expect(code(inserting(foreign, at: first, in: restarts)) == .corrupt)
    }

    /// Cut between two scans and given an end mark, these decode without a complaint: blurred, or without their colours.
    @Test func missingScansAreFound() throws {
        for data in [JPEGFixture.scans, JPEGFixture.planes] {
            var scans: [Int] = []
            var from = 2
            while let found = data[from...].range(of: Data([0xFF, 0xDA])) {
                scans.append(found.lowerBound)
                from = found.upperBound
            }
            #expect(scans.count > 2 && code(data) == nil)
            for scan in scans.dropFirst() {
                // With the tables that stand before the scan, and without them.
                #expect(code(data[..<scan] + Data([0xFF, 0xD9])) == .truncated)
            }
        }
    }

    @Test func othersOfTheFamilyAreNamed() throws {
        let sound = try plain()
        let frame = try place(of: 0xC0, in: sound)
        func changed(_ place: Int, _ byte: UInt8) -> Data {
            var data = sound
            data[place] = byte
            return data
        }
        let cases: [(Data, ImagingError.Code, String)] = [
            (changed(frame + 4, 12), .unsupportedFormat, "12 bits"), (changed(frame + 1, 0xC3), .unsupportedFormat, "lossless"),
            (changed(frame + 1, 0xC5), .unsupportedFormat, "hierarchical"), (changed(frame + 6, 0), .corrupt, "64×0"),
            (changed(3, 0xF7), .unsupportedFormat, "JPEG-LS"),
        ]
        for (data, expected, word) in cases {
            let error = #expect(throws: ImagingError.self) { try ImageDecoder.decode(data) }
            #expect(error?.code == expected && error?.message.contains(word) == true, "\(word): \(error?.message ?? "")")
        }
        let print = #expect(throws: ImagingError.self) { try ImageDecoder.decode(Fixture.cmyk) }
        #expect(print?.message.contains("CMYK") == true && print?.message.contains("magick") == true)
    }

    @Test func orientationIsReadHoweverItIsWritten() throws {
        let base = try plain()
        func tagged(_ tiff: [UInt8]) -> Data {
            let body = Array("Exif\0\0".utf8) + tiff
            return base.prefix(2) + Data([0xFF, 0xE1, 0, UInt8(body.count + 2)] + body) + base.dropFirst(2)
        }
        let big: [UInt8] = [0x4D, 0x4D, 0, 42, 0, 0, 0, 8, 0, 1, 1, 0x12]
        let little: [UInt8] = [0x49, 0x49, 42, 0, 8, 0, 0, 0, 1, 0, 0x12, 1]
        let variants = [
            big + [0, 3, 0, 0, 0, 1, 0, 6, 0, 0], big + [0, 4, 0, 0, 0, 1, 0, 0, 0, 6], big + [0, 1, 0, 0, 0, 1, 6, 0, 0, 0],
            little + [3, 0, 1, 0, 0, 0, 6, 0, 0, 0], little + [4, 0, 1, 0, 0, 0, 6, 0, 0, 0],
        ]
        let turned = try ImageDecoder.decode(tagged(variants[0]))
        #expect(turned.width == 48 && turned.height == 64)
        for variant in variants { #expect(try ImageDecoder.decode(tagged(variant)) == turned) }
        // Behind another APP1; and of two, the first counts.
        let xmp = Array("http://ns.adobe.com/xap/1.0/\0<x/>".utf8)
        let both = Data([0xFF, 0xE1, 0, UInt8(xmp.count + 2)] + xmp)
        #expect(try ImageDecoder.decode(base.prefix(2) + both + tagged(variants[1]).dropFirst(2)) == turned)
        let upright = tagged(big + [0, 3, 0, 0, 0, 1, 0, 1, 0, 0])
        #expect(try ImageDecoder.decode(tagged(variants[0]).prefix(34) + upright.dropFirst(2)) == turned)
        #expect(try ImageDecoder.decode(tagged(big + [0, 4, 0, 0, 0, 1, 0, 0, 0, 9])).width == 64)
    }

    @Test func segmentsOfMegabytesBeforeThePictureAreReadPast() throws {
        let sound = try plain()
        let segment = Data([0xFF, 0xEF, 0xFF, 0xFF]) + Data(repeating: 0x22, count: 65_533)
        let long = sound.prefix(2) + (0..<20).reduce(Data()) { data, _ in data + segment } + sound.dropFirst(2)
        #expect(try ImageDecoder.decode(long) == ImageDecoder.decode(sound))
        let file = FileManager.default.temporaryDirectory.appendingPathComponent("\(UUID().uuidString).jpg")
        try long.write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        #expect(try ImageProbe(contentsOf: file).height == 48)
    }
}
