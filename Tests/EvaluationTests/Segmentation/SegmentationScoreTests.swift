import Evaluation
import Testing

@Suite struct SegmentationScoreTests {
    /// A disc of 255 on 0.
    static func disc(_ width: Int, _ height: Int, x: Int, y: Int, radius: Int) -> [UInt8] {
        (0..<width * height).map { index in
            let (dx, dy) = (index % width - x, index / width - y)
            return dx * dx + dy * dy <= radius * radius ? 255 : 0
        }
    }

    @Test func aPerfectMapScoresOne() throws {
        let mask = Self.disc(40, 30, x: 17, y: 12, radius: 8)
        let score = try SegmentationScore(prediction: mask, truth: mask, width: 40, height: 30)
        #expect(score.meanAbsoluteError == 0)
        #expect(abs(score.structureMeasure - 1) < 1e-9)
        #expect(abs(score.weightedFMeasure - 1) < 1e-9)
        #expect(score.dice.maximum == 1 && score.dice.adaptive == 1)
        #expect(score.dice.values[1...].allSatisfy { $0 == 1 })
        #expect(score.dice.values[0] < 1)
        #expect(abs(score.alignment.adaptive - 1200.0 / 1199) < 1e-9)
    }

    @Test func worseMapsScoreLess() throws {
        let truth = Self.disc(60, 60, x: 30, y: 30, radius: 12)
        var before: SegmentationScore?
        for shift in [0, 3, 8, 20] {
            let map = Self.disc(60, 60, x: 30 + shift, y: 30, radius: 12)
            let score = try SegmentationScore(prediction: map, truth: truth, width: 60, height: 60)
            if let before {
                #expect(score.structureMeasure < before.structureMeasure)
                #expect(score.weightedFMeasure < before.weightedFMeasure)
                #expect(score.dice.mean < before.dice.mean)
                #expect(score.intersectionOverUnion.mean < before.intersectionOverUnion.mean)
                #expect(score.meanAbsoluteError > before.meanAbsoluteError)
            }
            before = score
        }
    }

    @Test func emptyAndFullTruthsAreDefined() throws {
        let flat = [UInt8](repeating: 0, count: 12)
        let empty = try SegmentationScore(prediction: flat, truth: flat, width: 4, height: 3)
        #expect(empty.structureMeasure == 1)
        #expect(empty.weightedFMeasure == 0)
        #expect(empty.dice.maximum == 0)
        let full = [UInt8](repeating: 255, count: 12)
        let covered = try SegmentationScore(prediction: full, truth: full, width: 4, height: 3)
        #expect(covered.structureMeasure == 1)
        #expect(covered.dice.mean == 1)
        // The truth's centre in the last row: the reference divides nothing by nothing.
        let last: [UInt8] = [0, 0, 0, 255]
        let corner = try SegmentationScore(prediction: [0, 9, 0, 255], truth: last, width: 1, height: 4)
        #expect(corner.structureMeasure.isFinite)
        #expect(throws: EvaluationError.self) {
            try SegmentationScore(prediction: flat, truth: [0], width: 4, height: 3)
        }
        #expect(throws: EvaluationError.self) {
            try SegmentationScore(prediction: [], truth: [], width: 0, height: 3)
        }
    }

    @Test func summariesAverageCurvesFirst() throws {
        let truth = Self.disc(20, 20, x: 10, y: 10, radius: 5)
        let ramp = (0..<400).map { UInt8($0 % 256) }
        let a = try SegmentationScore(prediction: truth, truth: truth, width: 20, height: 20)
        let b = try SegmentationScore(prediction: ramp, truth: truth, width: 20, height: 20)
        var summary = SegmentationSummary(a)
        summary.merge(SegmentationSummary(b))
        #expect(summary.imageCount == 2)
        let curve = (0..<256).map { (a.dice.values[$0] + b.dice.values[$0]) / 2 }
        #expect(summary.dice.maximum == curve.max())
        #expect(summary.meanAbsoluteError == (a.meanAbsoluteError + b.meanAbsoluteError) / 2)
        #expect(SegmentationSummary().measures.isEmpty)
        #expect(summary.measures.count == 12)

        let report = SegmentationReport([
            .init(centre: "south", score: a, binary: nil), .init(centre: "north", score: b, binary: nil),
        ])
        #expect(report.rows.map(\.centre) == ["north", "south", "pooled"])
        #expect(report.rows[2].measures["mae"] == summary.meanAbsoluteError)
        #expect(report.rows[0].hausdorff95 == nil)
        #expect(report.table.split(separator: "\n").count == 4)
    }
}
