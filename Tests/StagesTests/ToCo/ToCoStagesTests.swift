import Foundation
import Imaging
import Models
import NeuralNetwork
import Stages
import Testing

/// ToCo as stages: trained by rounds on MIL's labels, then mapping what MIL found.
@Suite struct ToCoStagesTests {
    private static func pipeline(_ training: String, augmentation: String) -> String {
        """
        {seed: 2, stages: [
          {stage: 'catalogue'}, {stage: 'labels'},
          {stage: 'mil-train', rounds: 1, replicas: 2, localEpochs: 1, imageSize: 32, teacherHidden: 32, studentHidden: 32,
           dropout: 0, optimiser: 'adamw', learningRate: 1e-3, studentBatch: 16},
          {stage: 'mil-score'},
          {stage: 'cam', threshold: 0, splits: ['test'], imageSize: 32},
          {stage: 'toco-train', imageSize: 64, positiveThreshold: 0, negativeShare: 1, mapScales: [1],
           augmentation: '\(augmentation)', \(training)},
          {stage: 'toco-cam', threshold: 0, splits: ['test'], scales: [1, 1.5], imagesPerShard: 7},
          {stage: 'evaluate', splits: ['test'], resamples: 100, threshold: 0},
        ]}
        """
    }

    private func run(
        _ archive: TinyArchive, _ training: String, augmentation: String = "flips", slots: Int = 1,
        order: @escaping @Sendable ([ShardPlan]) -> [ShardPlan] = { $0 }
    ) throws -> MemoryLedger {
        let pipeline = try Pipeline(json5: Data(Self.pipeline(training, augmentation: augmentation).utf8), registry: .standard)
        let runner = LocalRunner(
            registry: .standard, centres: archive.centres, seed: pipeline.seed, slots: slots, order: order)
        try runner.run(pipeline)
        return runner.store
    }

    @Test func everyStageLeavesItsRows() throws {
        let archive = try TinyArchive(studies: 8)
        let ledger = try run(
            archive,
            "network: 'compactStem', pooling: 'topPatches', rounds: 2, replicas: 2, localEpochs: 2, batch: 8, learningRate: 5e-4"
        )
        let tests = ledger.studies().filter { $0.split == "test" }
        let scores = ledger.imageScores().filter { $0.head == "toco" }
        #expect(scores.count == tests.reduce(0) { $0 + $1.images.count })
        #expect(scores.allSatisfy { (0...1).contains($0.score) })
        // The same images as `cam` maps: those of positive reports.
        let (ours, theirs) = (ledger.boxes(ofStep: "toco-cam"), ledger.boxes(ofStep: "cam"))
        #expect(
            !ours.isEmpty
                && ours.map { [$0.centre, $0.study, $0.image] } == theirs.map { [$0.centre, $0.study, $0.image] })
        for kind in ["toco-cam", "toco-cam-mask"] {
            let pictures = ledger.masks(ofStep: "toco-cam").filter { $0.kind == kind }
            #expect(pictures.count == ours.count)
            for row in pictures.prefix(2) {
                #expect(try ImageDecoder.decode(try ledger.content(row.content)).width == 64)
            }
        }
        #expect(ledger.masks(ofStep: "toco-cam").count == 2 * ours.count)
        #expect(ledger.pictures.count { $0.kind == "toco-overlay" } == ours.count)
        let area = try #require(
            ledger.evaluations.first {
                $0.level == "image" && $0.head == "toco" && $0.metric == "auc" && $0.centre == "all"
            })
        #expect(area.subject == "toco-cam" && area.model == ledger.model(ofStep: "toco-train", startingRound: nil))
        for subject in ["cam", "toco-cam"] {
            let hits = try #require(
                ledger.evaluations.first { $0.subject == subject && $0.metric == "box-hit-share" && $0.centre == "all" }
            )
            #expect(hits.count == 4, "\(subject)")
        }
        #expect(ledger.metrics(ofStep: "toco-train", round: 2)["validationAUC"] != nil)
    }

    @Test func parametersDependOnTheSeedAlone() throws {
        let archive = try TinyArchive(studies: 8)
        let recipe =
            "network: 'compactStem', rounds: 2, replicas: 4, batch: 8, pooling: 'topPatches', pooledShare: 0.1, patchContrastStart: 0.5"
        let first = try run(archive, recipe, augmentation: "reference").model(ofStep: "toco-train", startingRound: nil)
        let second = try run(archive, recipe, augmentation: "reference", slots: 2, order: { $0.reversed() }).model(
            ofStep: "toco-train", startingRound: nil)
        #expect(first != nil && first == second)
    }

    @Test func theAuxiliaryMapIsDrawnAndTheForegroundRefinedWhereSoAsked() throws {
        let archive = try TinyArchive(studies: 8)
        let ledger = try run(
            archive,
            "network: 'compactStem', auxiliaryLayer: -4, pooling: 'topPatches', lowestWeight: 1, "
                + "rounds: 1, replicas: 2, localEpochs: 2, batch: 8, learningRate: 5e-4"
        )
        let digest = try #require(ledger.model(ofStep: "toco-train", startingRound: nil))
        let file = archive.root.appendingPathComponent("toco.safetensors")
        let told = ledger.metrics(ofStep: "toco-train", round: 0).filter { $0.key.contains(".") }.mapValues { "\($0)" }
        let set = try ParameterSet(decoding: try ledger.content(digest))
        try Checkpoint.encoded(set, metadata: told).write(to: file)
        func maps(_ map: String, refinement: String = "none") throws -> MemoryLedger {
            let text = """
                {stages: [{stage: 'catalogue'}, {stage: 'labels'}, {stage: 'toco-cam', weights: '\(file.path)', map: '\(map)',
                  refinement: '\(refinement)', threshold: 0, splits: ['test'], scales: [1, 1.5]}, {stage: 'evaluate', splits: ['test'], resamples: 100}]}
                """
            let runner = LocalRunner(registry: .standard, centres: archive.centres, seed: 2)
            try runner.run(Pipeline(json5: Data(text.utf8), registry: .standard))
            return runner.store
        }
        let (main, auxiliary) = (try maps("main"), try maps("auxiliary"))
        #expect(main.imageScores() == auxiliary.imageScores() && main.masks() != auxiliary.masks())
        #expect(
            main.masks().filter { $0.kind == "toco-cam" }
                == ledger.masks(ofStep: "toco-cam").filter { $0.kind == "toco-cam" })
        // The picture is the auxiliary classifier's map, which the network itself draws the same.
        // Of an image whose maps differ: after so few steps either can be dark all over.
        let others = Set(main.masks().map(\.content))
        let row = try #require(auxiliary.masks().first { $0.kind == "toco-cam" && !others.contains($0.content) })
        var configuration = ToCoConfiguration.smallStem
        (configuration.auxiliaryLayer, configuration.pooling, configuration.lowestWeight) = (-4, .topPatches, 1)
        let localiser = try ToCoLocaliser(
            set, configuration: configuration,
            normalisation: ColourNormalisation(mean: [0.485, 0.456, 0.406], deviation: [0.229, 0.224, 0.225]),
            maps: MultiScaleMaps(scales: [1, 1.5]))
        let image = try ImageDecoder.decode(
            contentsOf: archive.root.appendingPathComponent("\(row.centre)/studies/\(row.study)/\(row.image)")
        ).rgb()
        let seen = try localiser.localise(rgb: image.pixels, height: 64, width: 64)
        let drawn = try ImageDecoder.decode(try auxiliary.content(row.content))
        func isDrawn(of map: [Float]) -> Bool {
            drawn.pixels == map.map { UInt8((min(1, max(0, $0)) * 255).rounded()) }
        }
        #expect(isDrawn(of: seen.auxiliary) && !isDrawn(of: seen.map))
        #expect(
            auxiliary.evaluations.contains { $0.subject == "toco-cam" && $0.metric == "box-hit-share" && $0.count > 0 })
        // Refined masks are those of the field over the masks that were not; boxes are of them; maps stay.
        let refined = try maps("main", refinement: "crf")
        #expect(main.masks().filter { $0.kind == "toco-cam" } == refined.masks().filter { $0.kind == "toco-cam" })
        let masks = Dictionary(
            uniqueKeysWithValues: refined.masks().filter { $0.kind == "toco-cam-mask" }.map {
                ("\($0.centre)/studies/\($0.study)/\($0.image)", $0.content)
            })
        var changed = 0
        for row in main.masks() where row.kind == "toco-cam-mask" {
            let place = "\(row.centre)/studies/\(row.study)/\(row.image)"
            let plain = Mask(try ImageDecoder.decode(try main.content(row.content)), atLeast: 129)
            let image = try ImageDecoder.decode(contentsOf: archive.root.appendingPathComponent(place)).rgb()
            let labels = try FloatImage(width: plain.width, height: plain.height, values: plain.bits.map { $0 ? 0.7 : 0.3 })
            let expected = plain.area == 0 ? plain : Mask(try DenseCRF().refined(labels, on: image), above: 0.5)
            let actual = Mask(try ImageDecoder.decode(try refined.content(try #require(masks[place]))), atLeast: 129)
            #expect(actual == expected)
            if actual != plain { changed += 1 }
            let box = refined.boxes().first { "\($0.centre)/studies/\($0.study)/\($0.image)" == place }?.rectangle
            let largest = ConnectedComponents(of: actual).components.map(\.box).max { $0.area < $1.area }
            #expect((box.map { ($0.x1 - $0.x0) * ($0.y1 - $0.y0) } ?? 0) == (largest?.area ?? 0))
        }
        #expect(changed > 0)
    }

    @Test func masksWhoseBoxWasKeptTeachPolypPVT() throws {
        let archive = try TinyArchive(studies: 8)
        let file = archive.root.appendingPathComponent("toco.safetensors")
        let told = ["network.stemKernel": "4", "network.auxiliaryLayer": "-4", "input.size": "64"]
        let network = try ToCoNetwork(.smallStem, seed: 3)
        try Checkpoint.encoded(try network.parameters(), metadata: told).write(to: file)
        func run(_ filters: String) throws -> MemoryLedger {
            let text = """
                {stages: [{stage: 'catalogue'}, {stage: 'labels'},
                  {stage: 'toco-cam', weights: '\(file.path)', threshold: 0, splits: ['train'], scales: [1], \(filters)},
                  {stage: 'segment-train', size: 'b0', imageSize: 64, scales: [1], dropPath: 0, rounds: 1, replicas: 2, batch: 4,
                   labels: 'toco-cam-mask'}]}
                """
            let runner = LocalRunner(registry: .standard, centres: archive.centres, seed: 2)
            try runner.run(Pipeline(json5: Data(text.utf8), registry: .standard))
            return runner.store
        }
        let ledger = try run("minimumArea: 0, maximumArea: 0.6, maximumComponents: 40, refusesBorder: false")
        let kept = Set(ledger.boxes(ofStep: "toco-cam").filter(\.isKept).map { "\($0.study)/\($0.image)" })
        #expect(!kept.isEmpty && ledger.metrics(ofStep: "segment-train", round: 0)["images"] == Double(kept.count))
        let settings = StageSettings(json: Data("{\"size\": \"b0\", \"labels\": \"toco-cam-mask\"}".utf8))
        let offered = try SegmentTrainStage().plan(round: 0, settings: settings, view: ledger).flatMap { $0.blobs.dropFirst(2) }
        let masks = ledger.masks(ofStep: "toco-cam").filter {
            $0.kind == "toco-cam-mask" && kept.contains("\($0.study)/\($0.image)")
        }
        #expect(masks.count == kept.count && Set(offered) == Set(masks.map(\.content)))
        let error = #expect(throws: StageError.self) { try run("minimumArea: 0.98, maximumArea: 0.99") }
        #expect(error?.message.contains("no image of split train has a mask whose box was kept") == true)
    }

    @Test func whatIsMissingIsSaid() throws {
        for fault in [
            "imageSize: 65", "batch: 0", "negativeShare: 0", "network: 'huge'", "warmUp: 2", "mean: [1]",
            "pooling: 'mean'", "pooledShare: 0", "patchContrastStart: 2", "lowestWeight: 2", "auxiliaryLayer: 0",
            "network: 'compactStem', auxiliaryLayer: -5",
        ] {
            let text = "{stages: [{stage: 'toco-train', \(fault)}]}"
            #expect(throws: StageError.self, "\(fault)") { try Pipeline(json5: Data(text.utf8), registry: .standard) }
        }
        let archive = try TinyArchive(studies: 4)
        let pipeline = try Pipeline(
            json5: Data("{stages: [{stage: 'catalogue'}, {stage: 'labels'}, {stage: 'toco-train'}]}".utf8),
            registry: .standard)
        let runner = LocalRunner(registry: .standard, centres: archive.centres, seed: 1)
        #expect(throws: StageError.self) { try runner.run(pipeline) }
    }
}
