import Foundation
import Imaging
import TestSupport
import Testing

@Suite struct FingerprintTests {
    @Test func pictureIsFoundAmongOthersHoweverItWasSaved() throws {
        var search = CopySearch()
        let pictures = try (0..<40).map { try Self.picture(UInt64($0)) }
        for picture in pictures { search.add(try ImageFingerprint(picture)) }
        #expect(search.count == 40)
        for (index, picture) in pictures.enumerated() {
            for (name, copy) in try Self.copies(of: picture, seed: UInt64(index)) {
                let found = search.matches(of: try ImageFingerprint(copy))
                #expect(found.first?.index == index, "\(name) of \(index)")
                #expect(found.count == 1, "\(name) of \(index)")
            }
        }
    }

    /// What was added may be the crop as well.
    @Test func croppedPictureFindsTheWhole() throws {
        let picture = try Self.picture(3)
        var search = CopySearch()
        search.add(try ImageFingerprint(try picture.cropped(to: Box(x: 20, y: 8, width: 290, height: 222))))
        let match = try #require(search.matches(of: try ImageFingerprint(picture)).first)
        #expect(match.likeness > 0.8)
    }

    @Test func theSameIsWhollyAlikeAndFlatPicturesAreNot() throws {
        var search = CopySearch()
        let picture = try Self.picture(1)
        search.add(try ImageFingerprint(picture))
        search.add(try ImageFingerprint(Image8(width: 80, height: 60, channels: 3, fill: 90)))
        let found = search.matches(of: try ImageFingerprint(picture))
        #expect(found.map(\.index) == [0])
        #expect(found[0].likeness > 0.95)
        #expect(search.matches(of: try ImageFingerprint(Image8(width: 50, height: 90, channels: 1, fill: 200))).isEmpty)
    }

    /// Public frames: every kind of copy is found in 99 of 100, and pairs of different sequences are not taken for copies.
    @Test(.enabled(if: SharedFolder.url != nil)) func copiesOfPublicFramesAreFound() throws {
        let frames = try Self.frames(every: 9)
        var search = CopySearch()
        for frame in frames { search.add(try ImageFingerprint(frame.image)) }
        var planted = 0, found = 0, pairs = 0, wrong = 0
        for (index, frame) in frames.enumerated() {
            for (_, copy) in try Self.copies(of: frame.image, seed: UInt64(index)) {
                let matches = search.matches(of: try ImageFingerprint(copy))
                planted += 1
                if matches.contains(where: { $0.index == index }) { found += 1 }
                pairs += frames.count { $0.group != frame.group }
                wrong += matches.count { frames[$0.index].group != frame.group }
            }
        }
        #expect(planted > 500)
        #expect(Double(found) >= 0.99 * Double(planted), "\(found) of \(planted)")
        #expect(Double(wrong) <= 1e-3 * Double(pairs), "\(wrong) of \(pairs)")
    }

    private static func frames(every step: Int) throws -> [(image: Image8, group: String)] {
        guard let shared = SharedFolder.url else { return [] }
        var frames: [(image: Image8, group: String)] = []
        for source in ["clinicdb", "kvasir", "neopolyp"] {
            let folder = shared.appendingPathComponent("data/frames/\(source)/images")
            let names = try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
            for name in stride(from: 0, to: names.count, by: step).map({ names[$0] }) {
                let image = try ImageDecoder.decode(contentsOf: folder.appendingPathComponent(name))
                // Frames of a sequence follow one another: thirty numbers stand for one.
                let number = Int(name.prefix(3)).map { String($0 / 30) } ?? name
                frames.append((image, source == "clinicdb" ? source + number : source))
            }
        }
        return frames
    }

    /// Soft spots and a few edges.
    private static func picture(_ seed: UInt64) throws -> Image8 {
        var random = SeededGenerator(seed: seed, stream: "fingerprint")
        let (width, height) = (320, 240)
        let spots = (0..<150).map { _ in
            (
                x: random.uniform(0...320), y: random.uniform(0...240), size: random.uniform(3...24),
                height: random.uniform(-60...60)
            )
        }
        var pixels = [UInt8]()
        for y in 0..<height {
            for x in 0..<width {
                var level = 120.0
                for spot in spots {
                    let distance = ((Double(x) - spot.x) * (Double(x) - spot.x) + (Double(y) - spot.y) * (Double(y) - spot.y))
                    level += spot.height / (1 + distance / (spot.size * spot.size))
                }
                for channel in [1.0, 0.7, 0.6] { pixels.append(UInt8(max(0, min(255, level * channel)))) }
            }
        }
        return try Image8(width: width, height: height, channels: 3, pixels: pixels)
    }

    private static func copies(of picture: Image8, seed: UInt64) throws -> [(name: String, image: Image8)] {
        var random = SeededGenerator(seed: seed, stream: "copies")
        func cropped(_ image: Image8, _ share: ClosedRange<Double>) throws -> Image8 {
            let width = Int(Double(image.width) * (1 - random.uniform(share)))
            let height = Int(Double(image.height) * (1 - random.uniform(share)))
            let x = random.integer(0...(image.width - width)), y = random.integer(0...(image.height - height))
            return try image.cropped(to: Box(x: x, y: y, width: width, height: height))
        }
        func lettered(_ image: Image8) -> Image8 {
            var image = image.rgb()
            for y in image.height / 20..<image.height / 20 + image.height / 18 {
                for x in image.width / 30..<image.width / 3 where (x / 3 + y / 4) % 2 == 0 {
                    for channel in 0..<3 { image[x: x, y: y, channel: channel] = 255 }
                }
            }
            for y in image.height * 3 / 4..<image.height {
                for x in 0..<image.width / 5 { for channel in 0..<3 { image[x: x, y: y, channel: channel] = 0 } }
            }
            return image
        }
        func brighter(_ image: Image8) -> Image8 {
            var image = image
            let factor = random.uniform(0.85...1.15)
            for index in image.pixels.indices { image.pixels[index] = UInt8(max(0, min(255, Double(image.pixels[index]) * factor + 5))) }
            return image
        }
        func saved(_ image: Image8, _ quality: Int) throws -> Image8 {
            try ImageDecoder.decode(try ImageEncoder.jpeg(image, quality: quality))
        }
        return [
            ("quality 30", try saved(picture, 30)), ("quality 75", try saved(picture, 75)),
            ("half", try picture.resized(width: picture.width / 2, height: picture.height / 2, filter: .bilinear)),
            ("square", try picture.resized(width: 352, height: 352, filter: .bilinear)),
            ("cropped 5", try cropped(picture, 0.02...0.05)), ("cropped 10", try cropped(picture, 0.05...0.10)),
            ("lettered", lettered(picture)), ("brighter", brighter(picture)),
            ("all", try saved(brighter(lettered(try cropped(picture, 0...0.08))), 60)),
        ]
    }
}
