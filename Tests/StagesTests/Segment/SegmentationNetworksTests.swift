import Foundation
import Imaging
import Models
import NeuralNetwork
import Stages
import Testing

/// Another network than the usual one in the same stages: trained, drawing, measured, handed on as a file, refused.
@Suite struct SegmentationNetworksTests {
    private static let training = """
        {stage: 'segment-train', network: 'unet', size: 'w16', imageSize: 64, labels: 'truth', rounds: 1, replicas: 2,
         localEpochs: 8, batch: 4, learningRate: 2e-3},
        """

    private static func run(
        _ archive: TinyArchive, _ stages: String, slots: Int = 2,
        order: @escaping @Sendable ([ShardPlan]) -> [ShardPlan] = { $0 }
    ) throws -> MemoryLedger {
        let text = "{seed: 5, stages: [{stage: 'catalogue'}, {stage: 'labels'}, \(stages)]}"
        let pipeline = try Pipeline(json5: Data(text.utf8), registry: .standard)
        let runner = LocalRunner(
            registry: .standard, centres: archive.centres, seed: pipeline.seed, slots: slots, order: order)
        try runner.run(pipeline)
        return runner.store
    }

    /// Two replicas on two slots, then masks by what they learnt; and the same by one slot, in another order.
    @Test func aUNetIsTrainedAndDraws() throws {
        let archive = try TinyArchive(studies: 16)
        let drawing = "{stage: 'segment', splits: ['test']}, {stage: 'evaluate', splits: ['test'], resamples: 100}"
        let ledger = try Self.run(archive, Self.training + drawing)
        let model = try #require(ledger.model(ofStep: "segment-train", startingRound: nil))
        #expect(ledger.metrics(ofStep: "segment-train", round: 0)["network.unet"] == 1)
        let drawn = ledger.masks(ofStep: "segment").filter { $0.kind == "segment-mask" }
        #expect(!drawn.isEmpty && ledger.items.isEmpty && ledger.modelUsed(byStep: "segment") == model)
        let dice = try #require(
            ledger.evaluations.first { $0.subject == "segment" && $0.metric == "dice" && $0.centre == "all" })
        #expect(dice.head == "unet" && dice.model == model)
        #expect((dice.value ?? 0) > 0.5, "Dice \(dice.value ?? -1)")

        let again = try Self.run(archive, Self.training, slots: 1) { $0.reversed() }
        #expect(again.model(ofStep: "segment-train", startingRound: nil) == model)

        // As a file, with what the job wrote down beside, it draws the same in a job that trains nothing.
        let file = archive.root.appendingPathComponent("unet.safetensors").path
        let set = try ParameterSet(decoding: ledger.content(model))
        let told = ledger.metrics(ofStep: "segment-train", round: 0).filter { $0.key.contains(".") }.mapValues { "\($0)" }
        try Checkpoint.encoded(set, metadata: told).write(to: URL(fileURLWithPath: file))
        let second = try Self.run(archive, "{stage: 'segment', splits: ['test'], weights: '\(file)'}")
        #expect(second.masks(ofStep: "segment") == ledger.masks(ofStep: "segment"))
        // And a training can start from it.
        try Self.check("{stage: 'segment-train', network: 'unet', size: 'w16', initialCheckpoint: '\(file)'}")
        for (stage, says) in [
            (
                "{stage: 'segment-train', initialCheckpoint: '\(file)'}",
                "is of U-Net of width 16, not of PVTv2-B2 or a Polyp-PVT on PVTv2-B2"
            ),
            (
                "{stage: 'segment-train', network: 'unet', initialCheckpoint: '\(file)'}",
                "is of U-Net of width 16, not of a U-Net of width 64"
            ),
            ("{stage: 'sam', weights: '\(file)'}", "is of U-Net of width 16, not of a Segment Anything"),
        ] {
            let error = try #require(throws: StageError.self) { try Self.check(stage) }
            #expect(error.message.contains(says), "\(error.message)")
        }
        // Polyp-PVT's calibrations are not its.
        let network = QuantisableNetwork.segmentation(SegmentationName(PolypPVTFamily()))
        let refused = try #require(throws: StageError.self) { try network.weights(file: URL(fileURLWithPath: file)) }
        #expect(refused.message.contains("not of a Polyp-PVT"), "\(refused.message)")
    }

    private static func check(_ stages: String) throws {
        try Pipeline(json5: Data("{stages: [\(stages)]}".utf8), registry: .standard).checkFiles(registry: .standard)
    }

    @Test(.enabled(if: EngineSetup.hasInt8, "the processor has no exact 8-bit products"))
    func aUNetDrawsInEightBits() throws {
        let archive = try TinyArchive(studies: 8)
        let ledger = try Self.run(archive, Self.training)
        let model = try #require(ledger.model(ofStep: "segment-train", startingRound: nil))
        let weights = archive.root.appendingPathComponent("weights.safetensors")
        try ledger.content(model).write(to: weights)
        let network = QuantisableNetwork.segmentation(SegmentationName(UNetFamily()))
        let pictures = try PictureFolder(archive.root.appendingPathComponent("east/studies"), limit: 4)
        let calibration = try NetworkCalibration.run(try network.weights(file: weights), pictures: pictures, side: 64)
        #expect(calibration.network == "unet" && calibration.parameters == "\(model)" && calibration.quantisedCount > 8)
        let file = archive.root.appendingPathComponent("calibration.json")
        try calibration.encoded().write(to: file)
        let second = try Self.run(
            archive,
            "{stage: 'segment', splits: ['test'], weights: '\(weights.path)', imageSize: 64, precision: 'int8', calibration: '\(file.path)'}"
        )
        #expect(!second.masks(ofStep: "segment").isEmpty && second.items.isEmpty)
    }

    @Test(arguments: [
        ("network: 'unett'", "network: there is no \"unett\", only polyp-pvt, unet, efficient-unet: did you mean \"unet\"?"),
        ("network: 'polyp_pvt'", "did you mean \"polyp-pvt\"?"),
        ("network: 'deeplab'", "there is no \"deeplab\", only polyp-pvt, unet, efficient-unet"),
        ("network: 'unet', size: 'b2'", "unet has no size \"b2\", only w64, w32, w16"),
        ("size: 'w16'", "polyp-pvt has no size \"w16\", only b0, b1, b2, b3, b4, b5"),
        ("network: 'polyp-pvt', imageSize: 65", "imageSize is a multiple of 32 up to 2048"),
        ("network: 'unet', imageSize: 31", "imageSize is 32 to 2048"),
        ("network: 'unet', dropPath: 0.1", "unet has no branches to leave out"),
    ]) func whatDoesNotFitIsRefused(settings: String, says: String) throws {
        let error = try #require(throws: StageError.self) { try Self.check("{stage: 'segment-train', \(settings)}") }
        #expect(error.message.contains(says), "\(error.message)")
    }

    @Test func pipelinesOfBeforeStayAsTheyWere() throws {
        for settings in ["size: 'b0'", "", "network: 'polyp-pvt', size: 'b5'", "network: 'unet', imageSize: 65", "network: 'unet'"] {
            try Self.check("{stage: 'segment-train', \(settings)}")
        }
        // The defaults that are written with the settings are the first network's own.
        #expect(SegmentTrainSettings() == SegmentTrainSettings(of: SegmentationFamilies.all[0]))
    }
}
