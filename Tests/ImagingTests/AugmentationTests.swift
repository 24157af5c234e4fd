import Imaging
import Testing

@Suite struct AugmentationTests {
    private func noise(width: Int = 40, height: Int = 30) throws -> Image8 {
        var generator = SeededGenerator(seed: 3)
        let pixels = (0..<width * height * 3).map { _ in UInt8(generator.integer(0...255)) }
        return try Image8(width: width, height: height, channels: 3, pixels: pixels)
    }

    @Test func theGeneratorIsFixed() {
        var generator = SeededGenerator(seed: 0)
        // The published first outputs of SplitMix64 from state 0.
        #expect(generator.next() == 0xE220_A839_7B1D_CDAF)
        #expect(generator.next() == 0x6E78_9E6A_A1B9_65F4)
        var (one, other) = (SeededGenerator(seed: 1, stream: "a"), SeededGenerator(seed: 1, stream: "b"))
        #expect(one.next() != other.next())
        var sum = 0.0
        for _ in 0..<4000 { sum += one.normal() * one.normal() + one.uniform() - 0.5 }
        #expect(abs(sum / 4000) < 0.08)
        #expect(one.shuffled(Array(0..<50)).sorted() == Array(0..<50))
        #expect(one.pick([Int]()) == nil)
    }

    @Test func oneSeedIsOnePicture() throws {
        let image = try noise()
        for augmentation in [Augmentation.mild, .opticalBiopsy, .localisation] {
            let first = try augmentation.apply(image, width: 24, height: 20, seed: 11)
            #expect(try augmentation.apply(image, width: 24, height: 20, seed: 11) == first)
            #expect(try augmentation.apply(image, width: 24, height: 20, seed: 12) != first)
            #expect(first.width == 24 && first.height == 20)
        }
        #expect(
            try Augmentation.none.apply(image, width: 24, height: 20, seed: 1)
                == image.resized(width: 24, height: 20, filter: .bilinear))
    }

    @Test func flips() throws {
        let image = try Image8(width: 2, height: 2, channels: 1, pixels: [1, 2, 3, 4])
        #expect(image.flippedHorizontally().pixels == [2, 1, 4, 3])
        #expect(image.flippedVertically().pixels == [3, 4, 1, 2])
    }

    @Test func colourChanges() throws {
        let image = try Image8(width: 2, height: 1, channels: 3, pixels: [200, 100, 50, 10, 20, 30])
        #expect(image.brightened(by: 1.5).pixels == [255, 150, 75, 15, 30, 45])
        #expect(image.saturated(by: 0) == image.grey().rgb())
        #expect(image.saturated(by: 1) == image && image.contrasted(by: 1) == image)
        let flat = image.contrasted(by: 0).pixels
        #expect(Set(flat).count == 1)
        // A third of the circle exchanges the channels; a whole turn changes nothing.
        #expect(image.hueShifted(byTurns: 1.0 / 3).pixels == [50, 200, 100, 30, 10, 20])
        let picture = try noise()
        #expect(picture.hueShifted(byTurns: 1) == picture)
        #expect(image.grey().hueShifted(byTurns: 0.3) == image.grey())
    }

    /// A window of the enlarged picture, anywhere in it; colours four times in five, grey once in five.
    @Test func windowsOfLocalisation() throws {
        var ramp = Image8(width: 568, height: 568, channels: 3)
        for y in 0..<568 {
            for x in 0..<568 {
                for channel in 0..<3 { ramp[x: x, y: y, channel: channel] = UInt8((x / 4 + y / 8) % 256) }
            }
        }
        #expect(Augmentation.localisation.resizedSide(for: 448) == 568 && Augmentation.mild.resizedSide(for: 448) == 448)
        var plain = Augmentation.localisation
        (plain.jitter, plain.greyChance, plain.horizontalFlip) = (nil, 0, 0)
        var corners: Set<[Int]> = []
        for seed in 0..<20 {
            let window = try plain.apply(ramp, width: 448, height: 448, seed: UInt64(seed))
            #expect(window.width == 448 && window.height == 448)
            // As in the ramp, four columns raise the level by one, eight rows by one.
            #expect(Int(window[x: 440, y: 7]) - Int(window[x: 0, y: 7]) == 110)
            corners.insert([Int(window[x: 0, y: 0]), Int(window[x: 0, y: 440])])
        }
        #expect(corners.count > 8)
        let colours = try noise(width: 71, height: 71)
        var onlyGrey = Augmentation.localisation
        onlyGrey.jitter = nil
        let grey = try (0..<300).filter { seed in
            let picture = try onlyGrey.apply(colours, width: 56, height: 56, seed: UInt64(seed))
            return picture == picture.grey().rgb()
        }
        #expect((35...90).contains(grey.count))
        var onlyJitter = plain
        (onlyJitter.jitter, onlyJitter.enlargement) = (Augmentation.localisation.jitter, nil)
        let untouched = try (0..<300).filter { try onlyJitter.apply(colours, width: 71, height: 71, seed: UInt64($0)) == colours }
        #expect((35...90).contains(untouched.count))
    }

    @Test func jitterStaysWithinItsStrength() throws {
        let image = Image8(width: 4, height: 4, channels: 3, fill: 100)
        var seen: Set<UInt8> = []
        for seed in 0..<200 {
            var generator = SeededGenerator(seed: UInt64(seed))
            let changed = ColourJitter(brightness: 0.2).apply(image, using: &generator)
            #expect((80...120).contains(changed.pixels[0]))
            seen.insert(changed.pixels[0])
        }
        #expect(seen.count > 30)
    }

    @Test func affineMapsAreAboutTheCentre() throws {
        let image = try noise(width: 21, height: 21)
        var generator = SeededGenerator(seed: 1)
        #expect(AffineAugmentation().apply(image, using: &generator) == image)
        // Magnified, the centre stays and the picture is filled; shrunk, black comes in at the corners.
        let large = AffineAugmentation(scale: 2...2).apply(image, using: &generator)
        #expect(large[x: 10, y: 10] == image[x: 10, y: 10] && large[x: 14, y: 10] == image[x: 12, y: 10])
        let small = AffineAugmentation(scale: 0.5...0.5).apply(image, using: &generator)
        #expect(small[x: 0, y: 0] == 0 && small[x: 12, y: 10] == image[x: 14, y: 10])
    }

    @Test func cropsFallBackWhenNoneFits() throws {
        var augmentation = Augmentation()
        augmentation.crop = Augmentation.ResizedCrop(area: 1...1, ratio: 1...1)
        // No square has the whole area of 40×30: the centred square is taken.
        let image = try noise()
        let square = try image.cropped(to: Box(x: 5, y: 0, width: 30, height: 30))
        #expect(try augmentation.apply(image, width: 30, height: 30, seed: 4) == square)
    }
}
