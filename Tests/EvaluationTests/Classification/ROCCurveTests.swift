import Evaluation
import Testing

@Suite struct ROCCurveTests {
    /// Scores with many ties and labels that follow them loosely.
    static func sample(_ count: Int, seed: UInt64) -> (scores: [Double], labels: [Bool]) {
        var state = seed
        func next() -> Double {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Double(state >> 11) / Double(1 << 53)
        }
        let scores = (0..<count).map { _ in (next() * 12).rounded() / 12 }
        return (scores, scores.map { next() < 0.2 + 0.5 * $0 })
    }

    @Test func equalsPairsCountedOneByOne() throws {
        for seed in 1..<20 as Range<UInt64> {
            let (scores, labels) = Self.sample(60, seed: seed)
            var (sum, pairs) = (0.0, 0.0)
            for i in scores.indices where labels[i] {
                for j in scores.indices where !labels[j] {
                    sum += scores[i] > scores[j] ? 1 : scores[i] == scores[j] ? 0.5 : 0
                    pairs += 1
                }
            }
            let area = try #require(try ROCCurve.area(scores: scores, isPositive: labels))
            #expect(abs(area - sum / pairs) < 1e-12)
        }
    }

    @Test func byHand() throws {
        // scikit-learn's own example: AUC 0.75, average precision 0.8333…
        let curve = try ROCCurve(scores: [0.1, 0.4, 0.35, 0.8], isPositive: [false, false, true, true])
        #expect(curve.area == 0.75)
        #expect(abs((curve.averagePrecision ?? 0) - 5.0 / 6) < 1e-15)
        #expect(curve.points.map(\.truePositiveRate) == [0.5, 0.5, 1, 1])
        #expect(curve.points.map(\.falsePositiveRate) == [0, 0.5, 0.5, 1])
        #expect(curve.points.map(\.threshold) == [0.8, 0.4, 0.35, 0.1])
        // All tied: chance, and the share of positives.
        let tied = try ROCCurve(scores: [1, 1, 1, 1], isPositive: [true, false, false, false])
        #expect(tied.area == 0.5 && tied.averagePrecision == 0.25 && tied.points.count == 1)
    }

    @Test func oneClassAndBadInput() throws {
        let only = try ROCCurve(scores: [1, 2], isPositive: [true, true])
        #expect(only.area == nil && only.averagePrecision == 1)
        let none = try ROCCurve(scores: [1, 2], isPositive: [false, false])
        #expect(none.area == nil && none.averagePrecision == nil)
        #expect(try ROCCurve(scores: [], isPositive: []).area == nil)
        #expect(try ROCCurve.area(scores: [-.infinity, .infinity], isPositive: [false, true]) == 1)
        #expect { try ROCCurve(scores: [1, .nan], isPositive: [true, false]) } throws: {
            ($0 as? EvaluationError)?.code == .notANumber
        }
        #expect(throws: EvaluationError.self) { try ROCCurve(scores: [1], isPositive: []) }
    }

    @Test func deLongEqualsItsDefinition() throws {
        let (scores, labels) = Self.sample(80, seed: 5)
        let positives = scores.indices.filter { labels[$0] }
        let negatives = scores.indices.filter { !labels[$0] }
        func kernel(_ i: Int, _ j: Int) -> Double { scores[i] > scores[j] ? 1 : scores[i] == scores[j] ? 0.5 : 0 }
        func variance(_ values: [Double]) -> Double {
            let mean = values.reduce(0, +) / Double(values.count)
            return values.map { ($0 - mean) * ($0 - mean) }.reduce(0, +) / Double(values.count - 1)
        }
        let v10 = positives.map { i in negatives.map { kernel(i, $0) }.reduce(0, +) / Double(negatives.count) }
        let v01 = negatives.map { j in positives.map { kernel($0, j) }.reduce(0, +) / Double(positives.count) }
        let expected = variance(v10) / Double(v10.count) + variance(v01) / Double(v01.count)
        let (area, own) = try #require(try DeLongInterval.areaAndVariance(scores: scores, isPositive: labels))
        #expect(abs(own - expected) < 1e-15)
        let interval = try #require(try DeLongInterval.interval(scores: scores, isPositive: labels))
        #expect(abs(interval.upper - area - 1.959963984540054 * expected.squareRoot()) < 1e-12)
        #expect(interval.method == .deLong)
        #expect(try DeLongInterval.interval(scores: [1, 2, 3], isPositive: [true, false, false]) == nil)
        #expect(throws: EvaluationError.self) {
            try DeLongInterval.interval(scores: scores, isPositive: labels, confidence: 1)
        }
    }
}
