import Imaging
import Models
import NeuralNetwork
import Stages
import Testing

@Suite struct SegmentationViewsTests {
    private let side = 32

    private func predictor() throws -> SegmentationPredictor {
        let kind = try SegmentationKind(#require(SegmentationName(rawValue: "unet")).family, size: "w16")
        return try SegmentationPredictor(kind.network(seed: 3).parameters(), kind, precision: .float32)
    }

    private func image() throws -> Image8 {
        let pixels = (0..<48 * 40 * 3).map { UInt8(truncatingIfNeeded: ($0 &* 2_654_435_761) >> 7) }
        return try Image8(width: 48, height: 40, channels: 3, pixels: pixels)
    }

    private func map(_ image: Image8, _ views: SegmentationViews) throws -> [Float] {
        try predictor().map(of: image, side: side, views: views, width: 48, height: 40).values
    }

    /// Whoever looks from both sides sees the same from either.
    @Test(arguments: [[1.0], [1, 1.5]]) func theMirroredImageHasTheMirroredMap(scales: [Double]) throws {
        let views = SegmentationViews(scales: scales, mirrored: 2)
        let mirror = MirroredView(isMirrored: true, isUpsideDown: false)
        let seen = try map(image(), views)
        let seenInTheMirror = mirror.undone(try map(mirror.of(image()), views), width: 48, height: 40)
        #expect(zip(seen, seenInTheMirror).allSatisfy { abs($0 - $1) < 1e-6 })
        let once = try map(image(), .once)
        #expect(zip(seen, once).contains { abs($0 - $1) > 1e-4 })
    }

    @Test func theMapIsTheMeanOfWhatIsSeenAtEachScale() throws {
        let both = try map(image(), SegmentationViews(scales: [1, 2], mirrored: 1))
        let small = try map(image(), .once)
        let large = try map(image(), SegmentationViews(scales: [2], mirrored: 1))
        for place in both.indices { #expect(abs(both[place] - (small[place] + large[place]) / 2) < 1e-6) }
        #expect(large == (try predictor().map(of: image(), side: 64, views: .once, width: 48, height: 40).values))
    }

    @Test func viewsTurnBackWhatTheyTurned() throws {
        let image = try image()
        let numbers = image.grey().pixels.map(Float.init)
        for view in MirroredView.first(4) {
            let turned = view.of(image).grey().pixels.map(Float.init)
            #expect(view.undone(turned, width: 48, height: 40) == numbers)
        }
        #expect(MirroredView.first(2).count == 2 && Set(MirroredView.first(4)).count == 4)
    }
}
