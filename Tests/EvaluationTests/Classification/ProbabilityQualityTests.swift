import Evaluation
import Testing

@Suite struct ProbabilityQualityTests {
    @Test func byHand() throws {
        let quality = try ProbabilityQuality(
            probabilities: [0.9, 0.8, 0.55, 0.2, 0.05], isPositive: [true, false, true, false, false], confidence: 0.8)
        #expect(abs(quality.brier - (0.01 + 0.64 + 0.2025 + 0.04 + 0.0025) / 5) < 1e-12)
        // Bins: 0.05 | 0.2 | 0.55 | 0.8 | 0.9, one sample each.
        #expect(abs(quality.calibrationError - (0.1 + 0.8 + 0.45 + 0.2 + 0.05) / 5) < 1e-12)
        #expect(quality.decided == 4 && quality.right == 3)
    }

    /// Right on average within a bin is right.
    @Test func aBinIsJudgedAsAWhole() throws {
        let quality = try ProbabilityQuality(
            probabilities: [0.72, 0.74, 0.76, 0.78], isPositive: [true, true, true, false], confidence: 0.5)
        #expect(quality.calibrationError < 1e-12)
    }

    @Test func refusesWhatIsNone() {
        #expect(throws: EvaluationError.self) { try ProbabilityQuality(probabilities: [], isPositive: [], confidence: 0.5) }
        #expect(throws: EvaluationError.self) { try ProbabilityQuality(probabilities: [1.1], isPositive: [true], confidence: 0.5) }
        #expect(throws: EvaluationError.self) { try ProbabilityQuality(probabilities: [.nan], isPositive: [true], confidence: 0.5) }
    }
}
