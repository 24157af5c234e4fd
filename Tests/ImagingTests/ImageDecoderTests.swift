import Foundation
import Imaging
import TestSupport
import Testing

@Suite struct ImageDecoderTests {
    /// The code of what `body` throws; nil when it does not throw an `ImagingError`.
    private func code(_ body: () throws -> Void) -> ImagingError.Code? {
        do {
            try body()
            return nil
        } catch {
            return (error as? ImagingError)?.code
        }
    }

    private func ramp(width: Int = 56, height: Int = 40) throws -> Image8 {
        var pixels = [UInt8]()
        for y in 0..<height {
            for x in 0..<width {
                pixels += [UInt8(x * 4), UInt8(y * 5), 90]
            }
        }
        return try Image8(width: width, height: height, channels: 3, pixels: pixels)
    }

    @Test func alphaIsComposedOverBlack() throws {
        let image = try ImageDecoder.decode(Fixture.rgba)
        #expect(image.width == 8 && image.height == 6 && image.channels == 3)
        #expect(image[x: 5, y: 0, channel: 0] == 0)
        #expect(image[x: 5, y: 2, channel: 0] == 150)
        #expect(image[x: 5, y: 2, channel: 1] == 80)
        // Half transparent: between black and the colour.
        #expect((1..<150).contains(image[x: 5, y: 1, channel: 0]))
    }

    @Test func palettesAndBitDepthsAreExpanded() throws {
        let palette = try ImageDecoder.decode(Fixture.palette)
        #expect(palette.channels == 3)
        #expect(palette[x: 3, y: 2, channel: 0] == 105 && palette[x: 3, y: 2, channel: 1] == 80)
        let deep = try ImageDecoder.decode(Fixture.grey16)
        #expect(deep.channels == 1)
        for index in 0..<48 {
            #expect(abs(Double(deep.pixels[index]) - Double(index * 1300) / 257) <= 0.51)
        }
        let bits = try ImageDecoder.decode(Fixture.onebit)
        #expect(bits.pixels == (0..<48).map { $0 % 2 == 0 ? 0 : 255 })
    }

    @Test func progressiveAndGreyJPEG() throws {
        let image = try ImageDecoder.decode(Fixture.progressive)
        #expect(image.width == 56 && image.height == 40)
        // Pillow's own decoding of the same bytes.
        for (index, expected) in [133, 115, 91].enumerated() {
            #expect(abs(Int(image[x: 28, y: 20, channel: index]) - expected) <= 2)
        }
        let grey = try ImageDecoder.decode(Fixture.greyJPEG)
        #expect(grey.channels == 1)
        #expect(grey.rgb().channels == 3 && grey.rgb().grey() == grey)
    }

    @Test func cmykIsRefused() {
        #expect(code { _ = try ImageDecoder.decode(Fixture.cmyk) } == .unsupportedColours)
    }

    @Test func exifTurnsThePicture() throws {
        let probe = try ImageProbe(Fixture.turned)
        #expect(probe.width == 40 && probe.height == 56 && probe.orientation == .turnedRight)
        let image = try ImageDecoder.decode(Fixture.turned)
        #expect(image.width == 40 && image.height == 56)
        for (index, expected) in [42, 186, 91].enumerated() {
            #expect(abs(Int(image[x: 3, y: 5, channel: index]) - expected) <= 2)
        }
    }

    /// The EXIF body is the sender's: every cut and every wild offset must end in "no orientation" or a sound one.
    @Test func brokenExifIsSurvived() throws {
        var bytes = Fixture.turned
        let start = try #require(bytes.range(of: Data("Exif".utf8))).lowerBound
        for place in start..<(start + 32) {
            for value in [UInt8(0), 0x7F, 0xFF] {
                var broken = bytes
                broken[place] = value
                _ = try ImageProbe(broken)
            }
        }
        bytes[start + 10] = 0xFF
        #expect(try ImageProbe(bytes).orientation == .upright)
    }

    @Test func allOrientationsAreInvertible() throws {
        // Displaying a picture whose stored pixels were moved by orientation n: corners land where EXIF says.
        let expected: [Int: [Int]] = [  // Stored corner (0: top left, 1: top right, 2: bottom left) seen at top left.
            1: [0], 2: [1], 4: [2], 5: [0], 6: [2], 8: [1],
        ]
        let base = try ImageEncoder.jpeg(ramp(width: 16, height: 16), quality: 100, subsamplesColour: false)
        for (value, corner) in expected {
            let tiff: [UInt8] = [0x4D, 0x4D, 0, 42, 0, 0, 0, 8, 0, 1, 1, 0x12, 0, 3, 0, 0, 0, 1, 0, UInt8(value), 0, 0]
            let body = Array("Exif\0\0".utf8) + tiff
            let segment: [UInt8] = [0xFF, 0xE1, 0, UInt8(body.count + 2)] + body
            let image = try ImageDecoder.decode(base.prefix(2) + Data(segment) + base.dropFirst(2))
            let stored = [(0, 0), (60, 0), (0, 75)][corner[0]]
            #expect(abs(Int(image[x: 0, y: 0, channel: 0]) - stored.0) <= 4, "orientation \(value)")
            #expect(abs(Int(image[x: 0, y: 0, channel: 1]) - stored.1) <= 4, "orientation \(value)")
        }
    }

    @Test func reducedDecodingKeepsTheSideThatIsAskedFor() throws {
        let data = try ImageEncoder.jpeg(ramp(width: 60, height: 44), quality: 95)
        #expect(try ImageDecoder.decode(data, reducedTo: 45).width == 60)
        #expect(try ImageDecoder.decode(data, reducedTo: 22).width == 30)
        let small = try ImageDecoder.decode(data, reducedTo: 11)
        #expect(small.width == 15 && small.height == 11)
        #expect(abs(Int(small[x: 7, y: 5, channel: 0]) - 118) <= 4)
    }

    @Test func roundTripsAndEqualBytes() throws {
        let image = try ramp()
        let data = try ImageEncoder.png(image)
        #expect(try ImageDecoder.decode(data) == image)
        #expect(try ImageEncoder.png(image) == data)
        #expect(try ImageDecoder.decode(try ImageEncoder.png(image.grey())) == image.grey())
        #expect(try ImageEncoder.jpeg(image) == ImageEncoder.jpeg(image))
        #expect(code { _ = try ImageEncoder.jpeg(image, quality: 0) } == .invalidArgument)
        // Noise does not compress: the encoder's buffer must still be long enough.
        var state: UInt32 = 1
        let noise = (0..<3 * 64 * 64).map { _ in
            state = state &* 1_664_525 &+ 1_013_904_223
            return UInt8(state >> 24)
        }
        let noisy = try Image8(width: 64, height: 64, channels: 3, pixels: noise)
        #expect(try ImageDecoder.decode(try ImageEncoder.png(noisy)) == noisy)
    }

    @Test func badFilesHaveCodesOfTheirOwn() throws {
        let jpeg = try ImageEncoder.jpeg(ramp())
        let png = try ImageEncoder.png(ramp())
        #expect(code { _ = try ImageDecoder.decode(Data()) } == .emptyFile)
        #expect(code { _ = try ImageDecoder.decode(Data("study,image\n1,01.jpg\n".utf8)) } == .unknownFormat)
        #expect(code { _ = try ImageDecoder.decode(jpeg.prefix(jpeg.count / 2)) } == .truncated)
        #expect(code { _ = try ImageDecoder.decode(jpeg.prefix(30)) } == .truncated)
        #expect(code { _ = try ImageDecoder.decode(png.prefix(png.count / 2)) } == .truncated)
        #expect(code { _ = try ImageDecoder.decode(png.prefix(12)) } == .truncated)
        var flipped = png
        flipped[png.count / 2] ^= 0xFF
        #expect([.corrupt, .truncated].contains(code { _ = try ImageDecoder.decode(flipped) }))
    }

    /// Every prefix and many single-byte faults: an error or a picture, never a crash.
    @Test func noPrefixOrFlippedByteCrashes() throws {
        for data in [Fixture.progressive, Fixture.palette, Fixture.turned, try ImageEncoder.jpeg(ramp())] {
            for end in 0..<data.count - 2 {
                #expect(code { _ = try ImageDecoder.decode(data.prefix(end)) } != nil || end > data.count - 20)
            }
            for place in 0..<data.count {
                var broken = data
                broken[place] ^= 0x5A
                var decoder = ImageDecoder()
                decoder.maximumPixels = 1_000_000
                _ = try? decoder.decode(broken)
            }
        }
    }

    @Test func bombsAreRefusedByTheirHeader() throws {
        var png = try ImageEncoder.png(ramp())
        png.replaceSubrange(16..<24, with: [0, 0, 0xC3, 0x50, 0, 0, 0xC3, 0x50])
        #expect(code { _ = try ImageDecoder.decode(png) } == .tooManyPixels)
        png.replaceSubrange(16..<24, with: [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF])
        #expect(code { _ = try ImageDecoder.decode(png) } == .corrupt)
        var jpeg = try ImageEncoder.jpeg(ramp())
        let frame = try #require(jpeg.range(of: Data([0xFF, 0xC0]))).lowerBound
        jpeg.replaceSubrange((frame + 5)..<(frame + 9), with: [0xFF, 0xFF, 0xFF, 0xFF])
        #expect(code { _ = try ImageDecoder.decode(jpeg) } == .tooManyPixels)
    }

    @Test func errorsNameTheFile() throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let text = folder.appendingPathComponent("note.png")
        try Data("not a picture".utf8).write(to: text)
        #expect {
            try ImageDecoder.decode(contentsOf: text)
        } throws: { error in
            (error as? ImagingError)?.file == text.path && "\(error)".contains("a text file")
        }
        #expect(code { _ = try ImageDecoder.decode(contentsOf: folder) } == .unreadableFile)
        #expect(code { _ = try ImageProbe(contentsOf: folder.appendingPathComponent("absent.jpg")) } == .unreadableFile)
        let written = folder.appendingPathComponent("a.png")
        try ImageEncoder.writePNG(ramp(), to: written)
        #expect(try ImageProbe(contentsOf: written) == ImageProbe(try Data(contentsOf: written)))
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted() == ["a.png", "note.png"])
        let nowhere = folder.appendingPathComponent("no/such/folder.png")
        #expect(code { try ImageEncoder.writePNG(ramp(), to: nowhere) } == .unwritableFile)
    }

    @Test(.enabled(if: SharedFolder.isPresent, Comment(rawValue: SharedFolder.whySkipped)))
    func realFramesDecode() throws {
        let shared = try #require(SharedFolder.url)
        let folder = shared.appendingPathComponent("data/frames/kvasir/images")
        let files = try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil).prefix(5)
        #expect(!files.isEmpty)
        for file in files {
            let image = try ImageDecoder.decode(contentsOf: file)
            let probe = try ImageProbe(contentsOf: file)
            #expect(image.width == probe.width && image.height == probe.height && image.channels == 3)
        }
    }
}
