import Digest
import Foundation
import Ledger
import Stages
import Synchronization
import Testing

/// What a stage sees of a job must not depend on where the ledger is: one pipeline in memory and over PostgreSQL, and all
/// that its steps were shown, side by side.
@Suite struct ViewConformanceTests {
    private static let pipeline = """
        { seed: 9, stages: [
          { stage: "write", from: {} }, { step: "second", stage: "write" }, { step: "third", stage: "write" },
          { step: "look", stage: "probe", from: { boxes: "second" } },
        ] }
        """

    private static func seen(_ run: (StageRegistry) throws -> Void) throws -> [String] {
        let seen = Mutex<[String]>([])
        try run(StageRegistry([WriteStage(), ProbeStage { line in seen.withLock { $0.append(line) } }]))
        return seen.withLock { $0 }
    }

    @Test func bothLedgersShowTheSame() throws {
        let inMemory = try Self.seen { registry in
            let pipeline = try Pipeline(json5: Data(Self.pipeline.utf8), registry: registry)
            let folder = FileManager.default.temporaryDirectory
            try LocalRunner(registry: registry, centres: ["north": folder, "south": folder], seed: pipeline.seed).run(pipeline)
        }
        let inPostgreSQL = try Self.seen { registry in
            let cluster = try TestCluster(["write", "probe"].compactMap { registry[$0] })
            try cluster.addWorker("a")
            let end = try cluster.waitForEnd(cluster.submit(Self.pipeline))
            #expect(end.state == .complete, "\(end.message)")
        }
        #expect(inMemory.count > 10 && inMemory == inPostgreSQL)
        for (mine, its) in zip(inMemory, inPostgreSQL) where mine != its { Issue.record("memory: \(mine)\nledger: \(its)") }
        // Later steps win, key by key; one step's own rows are its own.
        let boxes = inMemory.filter { $0.hasPrefix("boxes:") }.last ?? ""
        func who(_ study: String, _ image: String) -> Set<String> {
            let rows = boxes.split(separator: "BoxRow(").filter { $0.contains("study: \"\(study)\", image: \"\(image)\"") }
            return Set(["write", "second", "third"].filter { step in rows.contains { $0.contains("Optional(\"\(step)\")") } })
        }
        #expect(who("shared", "1.png") == ["third"] && who("shared", "2.png") == ["write"] && who("of-second", "1.png") == ["second"])
    }
}

/// Writes rows of every kind: the study `shared` in every step, and one of the step's own.
private struct WriteStage: Stage {
    let name = "write"
    let products = [Product(.boxes), Product(.scores), Product(.network)]

    func needs(settings: StageSettings) throws -> [StageNeed] { [] }
    func roundCount(settings: StageSettings) throws -> Int { 2 }

    func plan(round: Int, settings: StageSettings, view: any PlanningView) throws -> [ShardPlan] {
        view.centres.map { ShardPlan(key: $0, centre: $0, input: Data("{}".utf8)) }
    }

    func map(_ shard: ShardInput, context: any MapContext) throws -> ShardOutput {
        guard shard.round == 0 else { return ShardOutput() }
        let centre = shard.centre ?? ""
        let picture = Data("a picture of \(shard.step)".utf8)
        var rows: [Stages.ResultRow] = []
        for study in ["shared", "of-\(shard.step)"] {
            let number = Double(shard.step.utf8.count) / 64
            // One that all write; the first step writes one more of it.
            for image in shard.step == "write" ? ["1.png", "2.png"] : ["1.png"] {
                rows.append(
                    .box(
                        .init(
                            centre: centre, study: study, image: image, rectangle: .init(x0: 1, y0: 2, x1: 3, y1: 4), areaShare: 0.5,
                            isKept: false, rejection: shard.step)))
                rows.append(
                    .mask(
                        .init(
                            centre: centre, study: study, image: image, kind: "kind", content: SHA256Digest(hashing: picture))))
                rows.append(.imageScore(.init(centre: centre, study: study, image: image, head: "toy", score: number)))
            }
            rows.append(.bagScore(.init(centre: centre, study: study, head: "toy", probability: number)))
            // The first two steps by one recipe: what is known of it is the latest.
            rows.append(
                .feature(
                    .init(
                        centre: centre, study: study, recipe: shard.step == "third" ? "other" : "one",
                        content: SHA256Digest(hashing: picture))))
            rows.append(
                .reportLabel(
                    .init(
                        centre: centre, study: study, polyp: "yes", confidence: 0.5, findings: "{}", source: "rules")))
        }
        return ShardOutput(rows: rows, blobs: [picture])
    }

    func reduce(round: Int, records: [Stages.ShardRecord], settings: StageSettings, view: any PlanningView) throws -> RoundOutcome {
        let before = try view.model(ofStep: view.step.name, startingRound: round).map { try view.content($0) } ?? Data()
        return RoundOutcome(
            model: before + Data("\(view.step.name) \(round)".utf8), state: Data("state \(round)".utf8), metrics: ["round": Double(round)])
    }
}

/// Tells everything that it is shown.
private struct ProbeStage: Stage {
    let name = "probe"
    let tell: @Sendable (String) -> Void

    func needs(settings: StageSettings) throws -> [StageNeed] {
        [StageNeed(Product(.boxes), takesAnyFamily: true), StageNeed(Product(.network))]
    }

    func plan(round: Int, settings: StageSettings, view: any PlanningView) throws -> [ShardPlan] {
        try look(view)
        return [ShardPlan(key: "all", centre: nil, input: Data("{}".utf8))]
    }

    func map(_ shard: ShardInput, context: any MapContext) throws -> ShardOutput { ShardOutput() }

    func reduce(round: Int, records: [Stages.ShardRecord], settings: StageSettings, view: any PlanningView) throws -> RoundOutcome {
        tell("records: \(records.map { [$0.key, $0.centre ?? "", String(decoding: $0.record ?? Data(), as: UTF8.self)] })")
        try look(view)
        return RoundOutcome()
    }

    private func look(_ view: any PlanningView) throws {
        tell("seed \(view.seed), centres \(view.centres), step \(view.step.name) of \(view.step.stage)")
        tell("sources \(view.sources.steps.sorted { $0.key < $1.key }.map { "\($0.key): \($0.value.map(\.name))" })")
        tell("labels: \(try view.reportLabels())")
        tell("bags: \(try view.bagScores())")
        tell("scores: \(try view.imageScores())")
        tell("boxes: \(try view.boxes())")
        tell("masks: \(try view.masks())")
        for recipe in ["one", "other", "none"] { tell("features: \(try view.features(ofRecipe: recipe))") }
        for step in ["write", "second", "third", "look", "nobody"] {
            tell("\(step): \(try view.bagScores(ofStep: step)) \(try view.imageScores(ofStep: step))")
            tell("\(step): \(try view.boxes(ofStep: step)) \(try view.masks(ofStep: step)) \(try view.features(ofStep: step))")
            let models = try [nil, 0, 1, 2, 3].map { try view.model(ofStep: step, startingRound: $0)?.hex ?? "none" }
            let states = try (0..<3).map { try view.state(ofStep: step, startingRound: $0)?.hex ?? "none" }
            let numbers = try (0..<3).map { try view.metrics(ofStep: step, round: $0) }
            tell("\(step): \(models) \(states) \(numbers)")
        }
    }
}
