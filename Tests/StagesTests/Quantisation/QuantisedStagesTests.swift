import Foundation
import Models
import NeuralNetwork
import Stages
import TestSupport
import Testing

/// Precision int8 as a setting: what is refused, and a job that uses it.
@Suite struct QuantisedStagesTests {
    private static func message(_ settings: String) -> String? {
        do {
            _ = try Pipeline(json5: Data("{stages: [\(settings)]}".utf8), registry: .standard)
            return nil
        } catch { return "\(error)" }
    }

    @Test func settingsThatDoNotFitAreRefusedBeforeAJobStarts() {
        for stage in ["mil-score", "cam", "toco-cam", "sam", "segment"] {
            let fields = "stage: '\(stage)'" + (stage == "sam" ? ", weights: 'x.pth'" : "")
            #expect(Self.message("{\(fields), precision: 'int8'}")?.contains("needs `calibration`") == true, "\(stage)")
            #expect(Self.message("{\(fields), calibration: 'x.json'}")?.contains("for precision int8") == true)
            #expect(Self.message("{\(fields), precision: 'int8', calibration: 'x.json'}") == nil)
        }
        for stage in ["mil-train", "toco-train", "segment-train"] {
            let said = Self.message("{stage: '\(stage)', precision: 'int8'}")
            #expect(said?.contains("int8 is offered by mil-score, cam, toco-cam, sam and segment") == true, "\(said ?? "nothing")")
        }
    }

    private static func step(_ stage: String, _ fields: String) -> Pipeline.Step {
        Pipeline.Step(stage: stage, settings: StageSettings(json: Data(fields.utf8)))
    }

    @Test(.enabled(if: EngineSetup.hasInt8, "the processor has no exact 8-bit products"))
    func aJobSegmentsInEightBits() throws {
        let archive = try TinyArchive(studies: 16)
        let training = """
            {stages: [{stage: 'catalogue'}, {stage: 'labels'},
              {stage: 'segment-train', size: 'b0', imageSize: 64, scales: [1], dropPath: 0, labels: 'truth', rounds: 1,
               replicas: 2, localEpochs: 10, batch: 4, learningRate: 1e-3}]}
            """
        let runner = LocalRunner(registry: .standard, centres: archive.centres, seed: 5, slots: 2)
        try runner.run(Pipeline(json5: Data(training.utf8), registry: .standard))
        let model = try #require(runner.store.model(ofStep: "segment-train", startingRound: nil))
        let weights = archive.root.appendingPathComponent("weights.safetensors")
        try runner.store.content(model).write(to: weights)

        let parameters = try QuantisableNetwork.segmentation(SegmentationName(PolypPVTFamily())).weights(file: weights)
        let pictures = try PictureFolder(archive.root.appendingPathComponent("east/studies"), limit: 12)
        let calibration = try NetworkCalibration.run(parameters, pictures: pictures, side: 64)
        #expect(calibration.parameters == "\(model)")
        #expect(calibration.quantisedCount > 50)
        let file = archive.root.appendingPathComponent("calibration.json")
        try calibration.encoded().write(to: file)

        let settings = "{\"splits\": [\"test\"], \"precision\": \"int8\", \"calibration\": \"\(file.path)\"}"
        try runner.run(Self.step("segment", settings))
        let masks = runner.store.masks(ofStep: "segment").filter { $0.kind == "segment-mask" }
        #expect(!masks.isEmpty && runner.store.items.isEmpty)

        // The same weights, but a calibration that belongs to others.
        var other = calibration
        other.parameters = String(repeating: "0", count: 64)
        try other.encoded().write(to: file)
        let stale = #expect(throws: StageError.self) { try runner.run(Self.step("segment", settings)) }
        #expect(stale?.code == .parameters && stale?.message.contains("belongs to other weights") == true)
        try FileManager.default.removeItem(at: file)
        let missing = #expect(throws: StageError.self) { try runner.run(Self.step("segment", settings)) }
        #expect(missing?.message.contains("cannot read the calibration") == true)
    }

    @Test(.enabled(if: EngineSetup.hasInt8, "the processor has no exact 8-bit products"))
    func effectsAreMeasured() throws {
        let archive = try TinyArchive(studies: 4)
        let studies = archive.root.appendingPathComponent("east/studies")
        let pictures = try PictureFolder(studies, limit: 2)
        #expect(pictures.names.count == 2 && pictures.names == pictures.names.sorted())
        let parameters = try QuantisableNetwork.mil.untrained()
        let calibration = try NetworkCalibration.run(parameters, pictures: pictures, side: 64)
        let effect = try QuantisationEffect.measure(
            parameters, calibration: calibration, pictures: pictures,
            truth: archive.root.appendingPathComponent("east/truth"), side: 64)
        #expect(effect.quantisedLayers == 19 && effect.int8.milliseconds > 0)
        #expect((effect.int8.scoreChange ?? 1) < 0.02 && (effect.int8.area != nil) == (effect.fp32.area != nil))
        // Maps of random weights on noise are nearly flat: rounding shows in them, and of two maps which is nearer is chance.
        #expect((effect.int8.mapCorrelation ?? 0) > 0.5 && (effect.int8.mapCorrelation ?? 1) < 1)
        // A processor without bf16 measures fp32 in its place.
        #expect((effect.bf16.mapCorrelation ?? 0) > 0.9)
        #expect(EngineSetup.hasBFloat16 == ((effect.bf16.mapCorrelation ?? 1) < 1))
        #expect(effect.fp32.mapCorrelation == nil && effect.int8.maskDice == nil)
        #expect(throws: StageError.self) { try PictureFolder(archive.root.appendingPathComponent("nowhere"), limit: 3) }
        #expect(throws: StageError.self) {
            try QuantisableNetwork.segmentation(SegmentationName(PolypPVTFamily())).weights(file: try weights(archive))
        }
    }

    /// A file of what `stage` trained, and its calibration on `east`.
    private static func calibrated(
        _ network: QuantisableNetwork, _ archive: TinyArchive, _ ledger: MemoryLedger, stage: String, side: Int
    ) throws -> (weights: String, calibration: String) {
        let model = try #require(ledger.model(ofStep: stage, startingRound: nil))
        let weights = archive.root.appendingPathComponent("\(stage).safetensors")
        let told = ledger.metrics(ofStep: stage, round: 0).filter { $0.key.contains(".") }.mapValues { "\($0)" }
        try Checkpoint.encoded(ParameterSet(decoding: ledger.content(model)), metadata: told).write(to: weights)
        let pictures = try PictureFolder(archive.root.appendingPathComponent("east/studies"), limit: 12)
        let made = try NetworkCalibration.run(try network.weights(file: weights), pictures: pictures, side: side)
        #expect(made.quantisedCount > 3 && made.parameters == "\(model)")
        let file = archive.root.appendingPathComponent("\(stage).json")
        try made.encoded().write(to: file)
        return (weights.path, file.path)
    }

    private static func run(_ archive: TinyArchive, _ stages: String) throws -> MemoryLedger {
        let pipeline = try Pipeline(
            json5: Data("{seed: 5, stages: [{stage: 'catalogue'}, {stage: 'labels'}, \(stages)]}".utf8), registry: .standard)
        let runner = LocalRunner(registry: .standard, centres: archive.centres, seed: pipeline.seed, slots: 2)
        try runner.run(pipeline)
        return runner.store
    }

    private static let mil = """
        {stage: 'mil-train', rounds: 1, replicas: 2, localEpochs: 2, imageSize: 64, teacherHidden: 32, studentHidden: 32,
         dropout: 0, optimiser: 'adamw', learningRate: 1e-3, studentBatch: 16}
        """

    @Test(.enabled(if: EngineSetup.hasInt8, "the processor has no exact 8-bit products"))
    func aSecondJobScoresAndMapsInEightBits() throws {
        let archive = try TinyArchive(studies: 8)
        let maps = "threshold: 0, splits: ['test']"
        let first = try Self.run(archive, Self.mil + ", {stage: 'mil-score'}, {stage: 'cam', \(maps)}")
        let (weights, calibration) = try Self.calibrated(.mil, archive, first, stage: "mil-train", side: 64)
        let int8 = "weights: '\(weights)', precision: 'int8', calibration: '\(calibration)'"
        let second = try Self.run(archive, "{stage: 'mil-score', \(int8)}, {stage: 'cam', \(int8), \(maps)}")
        let (exact, rounded) = (first.imageScores(), second.imageScores())
        #expect(!exact.isEmpty && exact.count == rounded.count && exact != rounded)
        for (a, b) in zip(exact, rounded) where a.head == "student" { #expect(abs(a.score - b.score) < 0.05, "\(a) \(b)") }
        #expect(second.boxes().count == first.boxes().count && second.masks() != first.masks() && second.items.isEmpty)
        #expect(second.modelUsed(byStep: "cam") == first.modelUsed(byStep: "cam"))
    }

    @Test(.enabled(if: EngineSetup.hasInt8, "the processor has no exact 8-bit products"))
    func aSecondJobMapsWithToCoInEightBits() throws {
        let archive = try TinyArchive(studies: 8)
        let maps = "threshold: 0, splits: ['test'], scales: [1]"
        let first = try Self.run(
            archive,
            Self.mil + """
                , {stage: 'mil-score'},
                {stage: 'toco-train', network: 'compactStem', pooling: 'topPatches', imageSize: 64, rounds: 1, replicas: 2,
                 localEpochs: 2, batch: 8, positiveThreshold: 0, negativeShare: 1, mapScales: [1], learningRate: 5e-4},
                {stage: 'toco-cam', \(maps)}
                """)
        let (weights, calibration) = try Self.calibrated(.toCo, archive, first, stage: "toco-train", side: 64)
        let second = try Self.run(
            archive, "{stage: 'toco-cam', weights: '\(weights)', precision: 'int8', calibration: '\(calibration)', \(maps)}")
        let exact = first.imageScores().filter { $0.head == "toco" }
        let rounded = second.imageScores().filter { $0.head == "toco" }
        #expect(!exact.isEmpty && exact.count == rounded.count && exact != rounded)
        for (a, b) in zip(exact, rounded) { #expect(abs(a.score - b.score) < 0.05, "\(a) \(b)") }
        #expect(!first.masks().isEmpty && second.masks().count == first.masks().count && second.items.isEmpty)
        // A calibration of one network does not fit another.
        let other = #expect(throws: StageError.self) {
            try Self.run(
                archive,
                Self.mil + ", {stage: 'mil-score', precision: 'int8', calibration: '\(calibration)'}")
        }
        #expect(other?.message.contains("the calibration is of a network toco, not of mil") == true, "\(other?.message ?? "")")
    }

    /// MobileSAM with the golden formula's weights: nobody trained them, so masks say little; they must not fall apart.
    @Test(.enabled(if: EngineSetup.hasInt8, "the processor has no exact 8-bit products"))
    func segmentAnythingEmbedsInEightBits() throws {
        let archive = try TinyArchive(studies: 2, images: 2)
        let pictures = try PictureFolder(archive.root.appendingPathComponent("east/studies"), limit: 1)
        let parameters = try QuantisableNetwork.segmentAnything.untrained(isMobile: true)
        let calibration = try NetworkCalibration.run(parameters, pictures: pictures, side: 1024)
        #expect(calibration.network == "segment-anything" && calibration.quantisedCount > 40)
        #expect(!calibration.layers.contains { !$0.name.hasPrefix("image_encoder.") || $0.name.contains("neck") })
        let effect = try QuantisationEffect.measure(
            parameters, calibration: calibration, pictures: pictures, truth: nil, side: 1024)
        let change = try #require(effect.int8.embeddingChange)
        #expect(change > (effect.bf16.embeddingChange ?? 1) && change < 0.2)
        #expect((effect.int8.leastMaskDice ?? 0) > 0.9)
    }

    /// Those of another network.
    private func weights(_ archive: TinyArchive) throws -> URL {
        let file = archive.root.appendingPathComponent("mil.safetensors")
        try QuantisableNetwork.mil.untrained().parameters.encoded().write(to: file)
        return file
    }
}
