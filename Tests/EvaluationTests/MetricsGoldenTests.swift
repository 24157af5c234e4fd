import Evaluation
import TestSupport
import Testing

@Suite struct MetricsGoldenTests {
    @Test(.enabled(if: SharedFolder.isPresent, Comment(rawValue: SharedFolder.whySkipped)))
    func equalsTheReferenceLibraries() throws {
        let comparisons = try MetricsGolden.check(tensors: try GoldenFile.load("metrics"))
        #expect(comparisons.count == 95)
        for comparison in comparisons {
            #expect(comparison.passed, "\(comparison.name): off by \(comparison.absoluteError)")
            #expect(comparison.absoluteError < 1e-9)
        }
    }

    @Test(.enabled(if: SharedFolder.isPresent, Comment(rawValue: SharedFolder.whySkipped)))
    func failsOnOtherNumbersAndMissingMaps() throws {
        var tensors = try GoldenFile.load("metrics")
        tensors["case0.smeasure"]?.values[0] += 2e-6
        let failed = try MetricsGolden.check(tensors: tensors).filter { !$0.passed }
        #expect(failed.map(\.name) == ["case0.smeasure"])
        tensors["case0.invented"] = ([1], [0])
        #expect { try MetricsGolden.check(tensors: tensors) } throws: { "\($0)".contains("case0.invented") }
        tensors["case0.invented"] = nil
        tensors["case1.gt"] = nil
        #expect { try MetricsGolden.check(tensors: tensors) } throws: { "\($0)".contains("case1.gt") }
    }

    @Test func refusesWhatIsNoGoldenFile() {
        #expect(throws: EvaluationError.self) { try MetricsGolden.check(tensors: [:]) }
        #expect(throws: EvaluationError.self) { try MetricsGolden.check(tensors: ["a": ([1], [1])]) }
        #expect(throws: EvaluationError.self) { try MetricsGolden.check(tensors: ["other.x": ([1], [1])]) }
        #expect(throws: EvaluationError.self) {
            try MetricsGolden.check(tensors: [
                "case0.mae": ([1], [0]), "case0.pred": ([1, 1], [0.5]), "case0.gt": ([1, 1], [0]),
            ])
        }
    }
}
