import Foundation
import Testing

import Stages

/// Loops whose later generations are skipped, in one process.
@Suite struct LoopRunningTests {
    private static let pipeline = """
        {stages: [{stage: 'source'}, {repeat: {generations: 4, until: 0.9, steps: [
            {stage: 'train', from: {masks: {first: 'source', then: 'settle'}}}, {stage: 'draw'}, {stage: 'settle'}]}},
          {stage: 'report'}, {step: 'some', stage: 'report', from: {predictions: ['settle-3', 'settle', 'settle-1']}},
          {step: 'next', stage: 'train', from: {masks: 'settle-3'}}, {step: 'shown', stage: 'draw', from: {network: 'train'}}]}
        """

    private func run(_ agreements: [Double?], _ text: String = Self.pipeline) throws -> (LoopToys.Seen, MemoryLedger) {
        let toys = LoopToys(agreements: agreements)
        let pipeline = try Pipeline(json5: Data(text.utf8), registry: toys.registry)
        try pipeline.checkInputs(registry: toys.registry)
        let runner = LocalRunner(registry: toys.registry, centres: [:], seed: pipeline.seed)
        try runner.run(pipeline)
        return (toys.seen, runner.store)
    }

    @Test func aLoopEndsOnceNothingMovesAnyMore() throws {
        let (seen, store) = try run([0.5, 0.95, 0.1, 0.1])
        let skipped = ["train-3", "draw-3", "settle-3", "train-4", "draw-4", "settle-4"]
        #expect(store.skipped.keys.sorted() == skipped.sorted())
        #expect(
            Set(store.skipped.values) == ["generation 2 agrees by 0.95 with what taught it, and the loop runs until 0.9"])
        #expect(seen.steps.isDisjoint(with: skipped))
        #expect(seen.sources(of: "train-2") == ["masks": ["settle-1"]])
        // Who reads a skipped generation reads the last one that ran, once.
        #expect(seen.sources(of: "report") == ["predictions": ["source", "draw-1", "settle-1", "draw-2", "settle-2"]])
        #expect(seen.sources(of: "some") == ["predictions": ["settle-1", "settle-2"]])
        #expect(seen.sources(of: "next") == ["masks": ["settle-2"]])
        #expect(seen.sources(of: "shown") == ["network": ["train-2"]] && seen.teachers(of: "shown") == ["settle-1"])
    }

    @Test func theFirstGenerationMayBeTheLast() throws {
        let (seen, store) = try run([1])
        #expect(store.skipped.count == 9 && seen.sources(of: "next") == ["masks": ["settle-1"]])
    }

    @Test(arguments: [[0.1, 0.2, 0.3, 0.4], [0.89, nil, nil, nil], [nil, nil, nil, 1]]) func allRunWhereLabelsStillMove(
        agreements: [Double?]
    ) throws {
        let (seen, store) = try run(agreements)
        #expect(store.skipped.isEmpty && seen.sources(of: "some") == ["predictions": ["settle-1", "settle-3", "settle-4"]])
        #expect(seen.sources(of: "shown") == ["network": ["train-4"]])
    }

    @Test func withoutUntilAllRun() throws {
        let (seen, store) = try run([1, 1, 1, 1], Self.pipeline.replacing("until: 0.9, ", with: ""))
        #expect(store.skipped.isEmpty && seen.steps.contains("settle-4"))
    }

    /// Of two steps that measure it, the one that moved most decides.
    @Test func allThatMeasureMustAgree() throws {
        let toys = LoopToys()
        let text = """
            {stages: [{stage: 'source'}, {repeat: {generations: 2, until: 0.9, steps: [{stage: 'train', from: {masks: 'b'}}, {stage: 'draw'},
              {step: 'a', stage: 'settle'}, {step: 'b', stage: 'settle', from: {masks: 'draw'}}]}}]}
            """
        let pipeline = try Pipeline(json5: Data(text.utf8), registry: toys.registry)
        let later = try #require(pipeline.steps.first { $0.name == "train-2" })
        func reason(_ a: Double?, _ b: Double?) -> String? {
            pipeline.reasonToSkip(later) { step in
                let value = ["a-1": a, "b-1": b][step] ?? nil
                return value.flatMap { Agreement(stayed: 1, came: 0, went: 0, diceSum: $0)?.metrics } ?? [:]
            }
        }
        #expect(reason(0.95, 0.9) != nil && reason(0.95, nil) != nil)
        #expect(reason(0.95, 0.89) == nil && reason(nil, nil) == nil)
    }

    @Test func agreementComesBackFromItsNumbers() throws {
        let agreement = try #require(Agreement(stayed: 6, came: 3, went: 1, diceSum: 4.5))
        #expect(agreement.images == 10 && agreement.value == 0.45 && agreement.dice == 0.75)
        #expect(agreement.stayed == 0.6 && agreement.came == 0.3 && agreement.went == 0.1)
        #expect(Agreement(metrics: agreement.metrics) == agreement)
        let strange = try #require(Agreement(stayed: 0, came: 2, went: 2, diceSum: 0))
        #expect(strange.dice == nil && strange.value == 0 && Agreement(metrics: strange.metrics) == strange)
        #expect(Agreement(stayed: 0, came: 0, went: 0, diceSum: 0) == nil && Agreement(metrics: ["loss": 1]) == nil)
    }
}
