import Evaluation
import Testing

@Suite struct BinaryMaskScoreTests {
    @Test func byHand() throws {
        // Two bars of three pixels, shifted by one; a border pixel each.
        let score = try BinaryMaskScore(
            prediction: [255, 255, 255, 0, 0], truth: [0, 200, 128, 255, 0], width: 5, height: 1)
        #expect(score.truePositives == 2 && score.falsePositives == 1 && score.falseNegatives == 1)
        #expect(score.dice == 2.0 / 3)
        #expect(score.intersectionOverUnion == 0.5)
        #expect(score.pixelAccuracy == 0.6)
        #expect(score.meanIntersectionOverUnion == (0.5 + 1.0 / 3) / 2)
        // Distances 1 0 0 from one, 0 0 1 from the other; the 95th percentile of six lies at 4.75.
        #expect(score.hausdorff95 == 1)
        let far = try BinaryMaskScore(
            prediction: [255, 0, 0, 0, 0, 0], truth: [0, 0, 0, 0, 255, 255], width: 6, height: 1)
        // 4 from the one, 4 and 5 from the other: between the last two at 1.9.
        #expect(abs((far.hausdorff95 ?? 0) - 4.9) < 1e-12)
    }

    @Test func emptyMasks() throws {
        let (empty, some): ([UInt8], [UInt8]) = ([0, 0, 0, 0], [0, 255, 0, 0])
        let both = try BinaryMaskScore(prediction: empty, truth: empty, width: 2, height: 2)
        #expect(both.dice == 1 && both.intersectionOverUnion == 1 && both.hausdorff95 == 0)
        #expect(both.meanIntersectionOverUnion == 1)
        for (prediction, truth) in [(empty, some), (some, empty)] {
            let one = try BinaryMaskScore(prediction: prediction, truth: truth, width: 2, height: 2)
            #expect(one.dice == 0 && one.intersectionOverUnion == 0 && one.hausdorff95 == nil)
        }
        let quick = try BinaryMaskScore(
            prediction: some, truth: some, width: 2, height: 2, measuringDistance: false)
        #expect(quick.dice == 1 && quick.hausdorff95 == nil)
        #expect(throws: EvaluationError.self) {
            try BinaryMaskScore(prediction: some, truth: [0], width: 2, height: 2)
        }
    }

    @Test func onlyBordersCountForTheDistance() throws {
        let outer = SegmentationScoreTests.disc(64, 64, x: 32, y: 32, radius: 20)
        let inner = SegmentationScoreTests.disc(64, 64, x: 32, y: 32, radius: 10)
        let score = try BinaryMaskScore(prediction: outer, truth: inner, width: 64, height: 64)
        #expect(abs((score.hausdorff95 ?? 0) - 10) < 1)
    }

    @Test func boxes() {
        let box = BoxExtent(x: 0, y: 0, width: 4, height: 2)
        #expect(box.intersectionOverUnion(with: box) == 1)
        #expect(box.intersectionOverUnion(with: .init(x: 2, y: 0, width: 4, height: 2)) == 4.0 / 12)
        #expect(box.intersectionOverUnion(with: .init(x: 4, y: 0, width: 4, height: 2)) == 0)
        #expect(box.intersectionOverUnion(with: .init(x: 1, y: 1, width: 0, height: 0)) == 0)
        let nothing = BoxExtent(x: 0, y: 0, width: 0, height: 0)
        #expect(nothing.intersectionOverUnion(with: nothing) == 0)
    }

    @Test func softDice() throws {
        // Stretched to 0, ½, 1: (2·1.5 + 1) / (1.5 + 2 + 1).
        let score = try SoftDice.score(prediction: [2, 3, 4], truth: [0, 1, 1])
        #expect(abs(score - 4 / 4.5) < 1e-7)
        #expect(try SoftDice.score(prediction: [0.3, 0.3], truth: [0, 0]) == 1)
        #expect(throws: EvaluationError.self) { try SoftDice.score(prediction: [], truth: []) }
        #expect(throws: EvaluationError.self) { try SoftDice.score(prediction: [1], truth: [1, 0]) }
        #expect(throws: EvaluationError.self) { try SoftDice.score(prediction: [.nan, 1], truth: [1, 0]) }
    }
}
