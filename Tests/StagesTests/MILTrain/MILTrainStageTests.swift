import Digest
import Foundation
import Testing

import Stages

@Suite struct MILTrainStageTests {
    static let registry = StageRegistry([CatalogueStage(), LabelsStage { _ in PlainExtractor() }, MILTrainStage()])

    /// `more` comes first, since the first of two equal fields counts. Settings small enough for a test and strong enough to learn a bright disc.
    static func pipeline(_ more: String, seed: Int = 5, imageCheck: String = "decode") throws -> Pipeline {
        let text = """
            {seed: \(seed), stages: [{stage: 'catalogue', imageCheck: '\(imageCheck)'}, {stage: 'labels'}, {
              stage: 'mil-train', \(more), rounds: 2, replicas: 3, imageSize: 32, teacherHidden: 32, studentHidden: 32,
              dropout: 0.25, optimiser: 'adamw', learningRate: 5e-4, studentBatch: 16, studentFilter: 'none'
            }]}
            """
        return try Pipeline(json5: Data(text.utf8), registry: registry)
    }

    private func run(
        _ archive: TinyArchive, _ more: String, slots: Int = 1, imageCheck: String = "decode",
        order: @escaping @Sendable ([ShardPlan]) -> [ShardPlan] = { $0 }
    ) throws -> LocalRunner {
        let pipeline = try Self.pipeline(more, imageCheck: imageCheck)
        let runner = LocalRunner(
            registry: Self.registry, centres: archive.centres, seed: pipeline.seed, slots: slots, order: order)
        try runner.run(pipeline)
        return runner
    }

    @Test func finalParametersDoNotDependOnOrderOrSlots() throws {
        let archive = try TinyArchive(studies: 8)
        let first = try run(archive, "averaging: 'diloco'")
        let second = try run(archive, "averaging: 'diloco'", slots: 2) { $0.reversed() }
        let model = try #require(first.store.model(ofStep: "mil-train", startingRound: nil))
        #expect(second.store.model(ofStep: "mil-train", startingRound: nil) == model)
        #expect(first.store.model(ofStep: "mil-train", startingRound: 1) != model)
        let metrics = first.store.metrics(ofStep: "mil-train", round: 0)
        #expect(metrics["loss"] ?? 0 > 0 && metrics["deltaNorm"] ?? 0 > 0)
        #expect(first.store.metrics(ofStep: "mil-train", round: 2)["validationAUC.student"] != nil)
        let other = LocalRunner(registry: Self.registry, centres: archive.centres, seed: 6)
        try other.run(Self.pipeline("averaging: 'diloco'", seed: 6))
        #expect(other.store.model(ofStep: "mil-train", startingRound: nil) != model)
    }

    @Test func plansAreRepeatableAndEveryCentreTakesPart() throws {
        let archive = try TinyArchive(studies: 8)
        let runner = try run(archive, "rounds: 1")
        let settings = try Self.pipeline("replicas: 5").steps[2].settings
        let stage = MILTrainStage()
        let plan = try stage.plan(round: 0, settings: settings, view: runner.store)
        #expect(try stage.plan(round: 0, settings: settings, view: runner.store) == plan)
        #expect(
            plan.map(\.key) == [
                "train/east/00000", "train/east/00001", "train/west/00000", "train/west/00001", "validate/east/00000",
                "validate/west/00000",
            ])
        #expect(plan.allSatisfy { $0.blobs.count == 2 && $0.needsUniformSetup == $0.key.hasPrefix("train") })
        #expect(try stage.roundCount(settings: settings) == 3)
    }

    @Test func bestModelIsHandedOnThroughTheState() throws {
        let archive = try TinyArchive(studies: 8)
        let runner = try run(archive, "rounds: 3, select: 'best'")
        let rounds = (0...3).map { runner.store.metrics(ofStep: "mil-train", round: $0)["validationAUC"] ?? -1 }
        let best = try #require(rounds.indices.max { rounds[$0] < rounds[$1] || rounds[$0] == rounds[$1] && $0 > $1 })
        #expect(runner.store.metrics(ofStep: "mil-train", round: 3)["selectedRound"] == Double(best))
        let final = runner.store.model(ofStep: "mil-train", startingRound: nil)
        if best > 0 { #expect(runner.store.model(ofStep: "mil-train", startingRound: best) == final) }
    }

    @Test func anArchiveWithoutValidationStudiesEndsWithTheLastModel() throws {
        let archive = try TinyArchive(studies: 8)
        for centre in ["east", "west"] {
            let table = archive.root.appendingPathComponent("\(centre)/reports.jsonl")
            let text = try String(contentsOf: table, encoding: .utf8)
            try archive.write("\(centre)/reports.jsonl", Data(text.replacingOccurrences(of: "\"val\"", with: "\"test\"").utf8))
        }
        let runner = try run(archive, "rounds: 1, select: 'best'")
        let model = runner.store.model(ofStep: "mil-train", startingRound: 1)
        #expect(model != nil && runner.store.model(ofStep: "mil-train", startingRound: nil) == model)
        #expect(runner.store.metrics(ofStep: "mil-train", round: 1)["validationAUC"] == nil)
    }

    @Test func trainingWithoutBothLabelsSaysWhatIsMissing() throws {
        let archive = try TinyArchive(studies: 1)
        let error = #expect(throws: StageError.self) { try run(archive, "rounds: 1") }
        #expect(error?.code == .missingInput && error?.message.contains("says no") == true)
    }

    @Test(arguments: ["rounds: 0", "imageSiz: 64", "averaging: 'mode'", "mergeWeights: [1, 1]", "dropout: 1", "learningRate: 0"])
    func wrongSettingsAreNamed(text: String) {
        let error = #expect(throws: StageError.self) { try Self.pipeline(text) }
        #expect(error?.code == .invalidSettings)
        #expect(error?.message.contains(String(text.prefix { $0 != ":" })) == true)
    }

    @Test func anUnreadableImageIsARowAndTrainingGoesOn() throws {
        let archive = try TinyArchive(studies: 8)
        // Sound header, end marker and all, but no picture data between.
        var bytes = try Data(contentsOf: archive.root.appendingPathComponent("east/studies/E100/02.png"))
        bytes.replaceSubrange(60..<120, with: Data(repeating: 7, count: 60))
        try archive.write("east/studies/E100/02.png", bytes)
        // A catalogue that looks at headers only leaves it in.
        let runner = try run(archive, "rounds: 1", imageCheck: "header")
        #expect(runner.store.items.contains { $0.study == "E100" && $0.image == "02.png" && $0.status == "failed" })
        #expect(runner.store.metrics(ofStep: "mil-train", round: 0)["unreadableImages"] == 1)
    }
}
