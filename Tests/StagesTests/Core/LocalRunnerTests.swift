import Foundation
import Synchronization
import Testing

import Stages

@Suite struct LocalRunnerTests {
    /// Adds up numbers over rounds: each round's model is its sum as text.
    private struct SumStage: Stage {
        let name = "sum"
        func roundCount(settings: StageSettings) throws -> Int { 3 }
        func plan(round: Int, settings: StageSettings, view: any PlanningView) throws -> [ShardPlan] {
            let base = try view.model(ofStep: name, startingRound: round)
            return (0..<4).map { ShardPlan(key: "\($0)", centre: nil, input: Data("\($0)".utf8), blobs: base.map { [$0] } ?? []) }
        }
        func map(_ shard: ShardInput, context: any MapContext) throws -> ShardOutput {
            ShardOutput(record: shard.input, blobs: [Data("blob \(shard.key)".utf8)])
        }
        func reduce(
            round: Int, records: [ShardRecord], settings: StageSettings, view: any PlanningView
        ) throws -> RoundOutcome {
            let before = try view.model(ofStep: name, startingRound: round).map { try view.content($0) }
            let old = before.flatMap { Int(String(decoding: $0, as: UTF8.self)) } ?? 0
            let sum = records.compactMap { $0.record.flatMap { Int(String(decoding: $0, as: UTF8.self)) } }.reduce(old, +)
            #expect(try view.content(records[0].blobs[0]) == Data("blob \(records[0].key)".utf8))
            return RoundOutcome(model: Data("\(sum)".utf8), metrics: ["sum": Double(sum)], isFinal: sum >= 12)
        }
    }

    @Test func roundsFeedEachOtherAndMayEndEarly() throws {
        let rounds = Mutex<[Int]>([])
        let runner = LocalRunner(registry: StageRegistry([SumStage()]), centres: [:], seed: 1, slots: 2) {
            $0.reversed()
        } onRound: {
            _, round, _ in
            rounds.withLock { $0.append(round) }
        }
        try runner.run(Pipeline(seed: 1, steps: [.init(stage: "sum", settings: StageSettings())]))
        #expect(rounds.withLock { $0 } == [0, 1])
        #expect(runner.store.metrics(ofStep: "sum", round: 1) == ["sum": 12])
        let model = try #require(runner.store.model(ofStep: "sum", startingRound: nil))
        #expect(try runner.store.content(model) == Data("12".utf8))
    }

    @Test func pipelinesAreJSON5AndNameWhatIsWrong() throws {
        let registry = StageRegistry([CatalogueStage()])
        let pipeline = try Pipeline(
            json5: Data("// a comment\n{ seed: 4, stages: [ { stage: 'catalogue', imageCheck: 'decode' } ] }".utf8), registry: registry)
        #expect(pipeline.seed == 4 && pipeline.steps.count == 1)
        #expect(
            try pipeline.canonicalJSON()
                == Data(#"{"seed":4,"stages":[{"imageCheck":"decode","stage":"catalogue"}]}"#.utf8))
        for (text, part) in [
            ("{stages: [{stage: 'none'}]}", "stages[0]"), ("[", "not JSON5"), ("{stages: []}", "`stages`"),
            ("{stages: [{stage: 'catalogue', imageChek: 'x'}]}", "imageChek"),
            ("{stages: [{stage: 'catalogue', imageCheck: 'x'}]}", "imageCheck"), ("{seeds: 1}", "`seeds`"),
        ] {
            let error = #expect(throws: StageError.self) { try Pipeline(json5: Data(text.utf8), registry: registry) }
            #expect(error?.code == .invalidSettings && error?.message.contains(part) == true, "\(text)")
        }
    }
}
