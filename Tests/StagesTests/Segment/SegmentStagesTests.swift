import Foundation
import Imaging
import Synchronization
import Testing

import Stages

/// Polyp-PVT as stages: trained by rounds, then drawing masks that evaluation measures.
@Suite struct SegmentStagesTests {
    private static func pipeline(_ training: String) -> String {
        """
        {seed: 5, stages: [
          {stage: 'catalogue'}, {stage: 'labels'},
          {stage: 'segment-train', size: 'b0', imageSize: 64, scales: [1], dropPath: 0, \(training)},
          {stage: 'segment', splits: ['test'], imagesPerShard: 5},
          {stage: 'evaluate', splits: ['test'], resamples: 100},
        ]}
        """
    }

    private func run(
        _ archive: TinyArchive, _ training: String, slots: Int = 1,
        order: @escaping @Sendable ([ShardPlan]) -> [ShardPlan] = { $0 },
        onRound: @escaping @Sendable (String, Int, RoundOutcome) -> Void = { _, _, _ in }
    ) throws -> MemoryLedger {
        let pipeline = try Pipeline(json5: Data(Self.pipeline(training).utf8), registry: .standard)
        let runner = LocalRunner(
            registry: .standard, centres: archive.centres, seed: pipeline.seed, slots: slots, order: order, onRound: onRound)
        try runner.run(pipeline)
        return runner.store
    }

    @Test func learnsPlainPolypsAndDrawsThem() throws {
        let archive = try TinyArchive(studies: 16)
        let ledger = try run(
            archive,
            "labels: 'truth', rounds: 2, replicas: 2, localEpochs: 30, batch: 4, learningRate: 1e-3, augmentation: 'flips'")
        // Studies of split test with a positive report, four images each.
        let masks = ledger.masks(ofStep: "segment")
        let drawn = masks.filter { $0.kind == "segment-mask" }
        #expect(!drawn.isEmpty && masks.count == 2 * drawn.count)
        #expect(ledger.pictures.map(\.kind) == drawn.map { _ in "segment-overlay" })
        for mask in drawn {
            let picture = try ImageDecoder.decode(try ledger.content(mask.content))
            #expect(picture.width == 64 && picture.channels == 1 && picture.pixels.allSatisfy { $0 == 0 || $0 == 255 })
        }
        let dice = try #require(
            ledger.evaluations.first { $0.subject == "segment" && $0.metric == "dice" && $0.centre == "all" })
        #expect(dice.head == "polyp-pvt" && dice.level == "mask" && dice.count * 2 == drawn.count)
        // By chance a disc of this size overlaps a random one by a tenth or two.
        #expect((dice.value ?? 0) > 0.6, "Dice \(dice.value ?? -1)")
        #expect(dice.model == ledger.model(ofStep: "segment-train", startingRound: nil))
        let metrics = ledger.metrics(ofStep: "segment-train", round: 2)
        #expect((metrics["validationDice"] ?? 0) > (ledger.metrics(ofStep: "segment-train", round: 0)["validationDice"] ?? 1))
        #expect(ledger.items.isEmpty)
    }

    /// Images of studies without a polyp teach silence: what is drawn into such images shrinks.
    @Test func negativesTeachSilence() throws {
        let archive = try TinyArchive(studies: 16)
        func foreground(_ share: Double) throws -> (negatives: Double, dice: Double) {
            let pipeline = Self.pipeline(
                "labels: 'truth', rounds: 2, replicas: 2, localEpochs: 30, batch: 4, learningRate: 1e-3, negativeShare: \(share)")
            let all = pipeline.replacingOccurrences(of: "imagesPerShard: 5", with: "studies: 'all'")
            let read = try Pipeline(json5: Data(all.utf8), registry: .standard)
            let runner = LocalRunner(registry: .standard, centres: archive.centres, seed: read.seed)
            try runner.run(read)
            let positive = Set(runner.store.reportLabels().filter { $0.polyp == "yes" }.map(\.study))
            let areas = try runner.store.masks(ofStep: "segment").filter { $0.kind == "segment-mask" && !positive.contains($0.study) }
                .map { Double(Mask(try ImageDecoder.decode(try runner.store.content($0.content))).area) / 4096 }
            let dice = runner.store.evaluations.first { $0.subject == "segment" && $0.metric == "dice" && $0.centre == "all" }
            return (areas.reduce(0, +) / Double(max(1, areas.count)), dice?.value ?? 0)
        }
        let (without, with) = (try foreground(0), try foreground(1))
        #expect(with.negatives < 0.02 && with.negatives < without.negatives / 2, "\(without) \(with)")
        #expect(with.dice > 0.6, "\(with)")
    }

    @Test func masksAloneAreTruthEnough() throws {
        let archive = try TinyArchive(studies: 8)
        for centre in archive.centres.keys { try archive.write("\(centre)/truth.csv", Data("study,image,polyp\n".utf8)) }
        let ledger = try run(archive, "labels: 'truth', rounds: 1, replicas: 2, batch: 4")
        let dice = try #require(
            ledger.evaluations.first { $0.subject == "segment" && $0.metric == "dice" && $0.centre == "all" })
        #expect(dice.count > 0 && dice.count * 2 == ledger.masks(ofStep: "segment").filter { $0.kind == "segment-mask" }.count)
    }

    @Test func parametersDependOnTheSeedAlone() throws {
        let archive = try TinyArchive(studies: 8)
        let recipe = "labels: 'truth', rounds: 2, replicas: 4, batch: 4"
        let first = try run(archive, recipe).model(ofStep: "segment-train", startingRound: nil)
        let second = try run(archive, recipe, slots: 2, order: { $0.reversed() }).model(ofStep: "segment-train", startingRound: nil)
        #expect(first != nil && first == second)
        let other = try run(archive, recipe + ", learningRate: 2e-4").model(ofStep: "segment-train", startingRound: nil)
        #expect(first != other)
    }

    @Test func aMaskThatCannotBeReadIsAnItemAndTheRestIsLearnt() throws {
        let archive = try TinyArchive(studies: 8)
        try archive.write("east/truth/E100/02.png", Data("no picture".utf8))
        let ledger = try run(archive, "labels: 'truth', rounds: 1, replicas: 2, batch: 4")
        let items = ledger.items.filter { $0.study == "E100" && $0.image == "02.png" }
        #expect(!items.isEmpty && items.allSatisfy { $0.status == "failed" })
        #expect(ledger.model(ofStep: "segment-train", startingRound: nil) != nil)
    }

    /// One image cannot be normalised over a batch: its replica does not train, and has no weight in the average.
    @Test func aReplicaWithOneMaskWeighsNothing() throws {
        let few = try TinyArchive(studies: 4, images: 2)
        let error = try #require(throws: StageError.self) { try run(few, "labels: 'truth', rounds: 1, replicas: 2, batch: 4") }
        #expect(error.message.contains("no replica had anything to learn from"), "\(error.message)")
        let archive = try TinyArchive(studies: 8)
        // West keeps the mask of one image; those of other studies would do if they were in the training split.
        let masks = archive.root.appendingPathComponent("west/truth")
        for study in try FileManager.default.contentsOfDirectory(atPath: masks.path).sorted().dropFirst() {
            try FileManager.default.removeItem(at: masks.appendingPathComponent(study))
        }
        try FileManager.default.removeItem(at: masks.appendingPathComponent("W100/04.png"))
        let contributions = Mutex<[RoundOutcome.Contribution]>([])
        _ = try run(
            archive, "labels: 'truth', rounds: 1, replicas: 2, batch: 4",
            onRound: { stage, round, outcome in
                if stage == "segment-train", round == 0 { contributions.withLock { $0 = outcome.contributions } }
            })
        let weights = contributions.withLock { Dictionary(uniqueKeysWithValues: $0.map { ($0.centre ?? "", $0.weight) }) }
        #expect(weights == ["east": 1, "west": 0])
    }

    @Test func whatIsMissingIsSaid() throws {
        let archive = try TinyArchive(studies: 4)
        // Maps were never made.
        #expect(throws: StageError.self) { try run(archive, "labels: 'cam-mask', rounds: 1, batch: 4") }
        for fault in ["imageSize: 65", "batch: 1", "rounds: 0", "scales: []", "labels: 'drawn'", "colour: 3"] {
            let text = "{stages: [{stage: 'segment-train', \(fault)}]}"
            #expect(throws: StageError.self, "\(fault)") { try Pipeline(json5: Data(text.utf8), registry: .standard) }
        }
        #expect(throws: StageError.self) {
            try Pipeline(json5: Data("{stages: [{stage: 'segment', foreground: 1}]}".utf8), registry: .standard)
        }
    }
}
