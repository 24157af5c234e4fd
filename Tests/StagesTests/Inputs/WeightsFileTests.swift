import Digest
import Foundation
import Models
import NeuralNetwork
import Stages
import Testing

/// Stages that only infer with parameters from a file: what one job trained, another runs.
@Suite struct WeightsFileTests {
    private static let training = """
        {stage: 'catalogue'}, {stage: 'labels'},
        {stage: 'mil-train', rounds: 1, replicas: 2, localEpochs: 1, imageSize: 32, teacherHidden: 32, studentHidden: 32,
         dropout: 0, optimiser: 'adamw', learningRate: 1e-3, studentBatch: 16, mean: [0.4, 0.3, 0.2]}
        """

    private static func run(_ archive: TinyArchive, _ stages: String) throws -> MemoryLedger {
        let pipeline = try Pipeline(json5: Data("{seed: 4, stages: [\(stages)]}".utf8), registry: .standard)
        let runner = LocalRunner(registry: .standard, centres: archive.centres, seed: pipeline.seed, slots: 2)
        try runner.run(pipeline)
        return runner.store
    }

    private static func message(_ archive: TinyArchive, _ stages: String) -> String {
        do {
            _ = try run(archive, stages)
            return "nothing was wrong"
        } catch { return "\(error)" }
    }

    /// A job's parameters as `endoked run` writes them, with what its first round says of them.
    private static func file(
        _ archive: TinyArchive, _ ledger: MemoryLedger, _ stage: String, saying: Bool = true
    ) throws -> (path: String, digest: SHA256Digest) {
        let digest = try #require(ledger.model(ofStep: stage, startingRound: nil))
        let numbers = ledger.metrics(ofStep: stage, round: 0)
            .filter { $0.key.hasPrefix("input.") || $0.key.hasPrefix("network.") }.mapValues { "\($0)" }
        let url = archive.root.appendingPathComponent("\(stage)-\(saying).safetensors")
        try Checkpoint.encoded(ParameterSet(decoding: ledger.content(digest)), metadata: saying ? numbers : [:]).write(to: url)
        return (url.path, digest)
    }

    @Test func aSecondJobScoresAndMapsWithWhatTheFirstTrained() throws {
        let archive = try TinyArchive(studies: 8)
        let maps = "threshold: 0, splits: ['test']"
        let first = try Self.run(archive, Self.training + ", {stage: 'mil-score'}, {stage: 'cam', \(maps)}")
        let (path, digest) = try Self.file(archive, first, "mil-train")
        let second = try Self.run(
            archive,
            """
            {stage: 'catalogue'}, {stage: 'labels'}, {stage: 'mil-score', weights: '\(path)'},
            {stage: 'cam', weights: '\(path)', \(maps)}, {stage: 'evaluate', splits: ['test'], resamples: 100, threshold: 0}
            """)
        #expect(!first.imageScores().isEmpty && first.imageScores() == second.imageScores())
        #expect(first.bagScores() == second.bagScores() && first.boxes() == second.boxes())
        #expect(!first.masks().isEmpty && first.masks() == second.masks())
        for stage in ["mil-score", "cam"] {
            #expect(second.modelUsed(byStep: stage) == digest && first.modelUsed(byStep: stage) == digest)
            #expect(second.evaluations.contains { $0.subject == stage && $0.model == digest })
        }
        #expect(second.modelUsed(byStep: "catalogue") == nil)
    }

    @Test func aFileThatDoesNotTellItsInputNeedsTheSize() throws {
        let archive = try TinyArchive(studies: 8)
        let before = "{stage: 'catalogue'}, {stage: 'labels'}, "
        let train = """
            {stage: 'segment-train', size: 'b0', imageSize: 64, scales: [1], dropPath: 0, labels: 'truth', rounds: 1,
             replicas: 2, localEpochs: 1, batch: 4, learningRate: 1e-3}
            """
        let first = try Self.run(archive, before + train + ", {stage: 'segment', splits: ['test']}")
        let (silent, digest) = try Self.file(archive, first, "segment-train", saying: false)
        let without = Self.message(archive, before + "{stage: 'segment', weights: '\(silent)'}")
        #expect(without.contains("does not say at which size") && without.contains("the method's is 352"), "\(without)")
        let odd = Self.message(archive, before + "{stage: 'segment', weights: '\(silent)', imageSize: 65}")
        #expect(odd.contains("stage segment: imageSize is a multiple of 32"), "\(odd)")
        let (telling, _) = try Self.file(archive, first, "segment-train")
        for given in ["weights: '\(silent)', imageSize: 64", "weights: '\(telling)'"] {
            let second = try Self.run(archive, before + "{stage: 'segment', splits: ['test'], \(given)}")
            #expect(!second.masks().isEmpty && second.masks() == first.masks(), "\(given)")
            #expect(second.modelUsed(byStep: "segment") == digest)
        }
    }

    @Test func whatToCosTensorsDoNotShowComesAlong() throws {
        let archive = try TinyArchive(studies: 8)
        let train = """
            {stage: 'mil-score'},
            {stage: 'toco-train', network: 'compactStem', auxiliaryLayer: -4, pooling: 'topPatches', pooledShare: 0.2,
             lowestWeight: 0.5, imageSize: 64, rounds: 1, replicas: 2, localEpochs: 1, batch: 8, positiveThreshold: 0,
             negativeShare: 1, mapScales: [1], learningRate: 5e-4}
            """
        let maps = "threshold: 0, splits: ['test'], scales: [1]"
        let first = try Self.run(archive, Self.training + ", \(train), {stage: 'toco-cam', \(maps)}")
        let (path, digest) = try Self.file(archive, first, "toco-train")
        let before = "{stage: 'catalogue'}, {stage: 'labels'}, "
        // No scores of MIL are needed to map everything.
        let second = try Self.run(archive, before + "{stage: 'toco-cam', weights: '\(path)', \(maps)}")
        #expect(second.modelUsed(byStep: "toco-cam") == digest)
        let scores = first.imageScores().filter { $0.head == "toco" }
        #expect(!scores.isEmpty && scores == second.imageScores())
        #expect(!first.masks().isEmpty && first.masks() == second.masks())
        let unscored = Self.message(archive, before + "{stage: 'toco-cam', weights: '\(path)'}")
        #expect(unscored.contains("put a step that scores them before it, or give `threshold: 0`"), "\(unscored)")
        // The same tensors without what was written down with them: another pooling, other scores.
        let (silent, _) = try Self.file(archive, first, "toco-train", saying: false)
        let third = try Self.run(archive, before + "{stage: 'toco-cam', weights: '\(silent)', imageSize: 64, \(maps)}")
        #expect(third.imageScores() != second.imageScores() && third.masks() == second.masks())
    }

    /// A network hides numbers that are none: a rectifier makes 0 of NaN, and the scores look like any.
    @Test func numbersThatAreNoneAreRefusedByNameBeforeAnythingRuns() throws {
        let archive = try TinyArchive(studies: 2)
        let before = "{stage: 'catalogue'}, {stage: 'labels'}, "
        let sets = [
            ("mil-score", try MILNetwork(MILConfiguration(teacherHidden: 32, studentHidden: 32), seed: 1).parameters()),
            ("segment", try PolypPVT(.b0, seed: 1).parameters()), ("toco-cam", try ToCoNetwork(.small, seed: 1).parameters()),
        ]
        for (stage, set) in sets {
            let place = try #require(set.entries.firstIndex { $0.shape.count > 1 })
            for value in [Float.nan, -.infinity] {
                var spoilt = set
                spoilt.updateValues(at: place) { $0[0] = value }
                let url = archive.root.appendingPathComponent("\(stage).safetensors")
                try spoilt.encoded().write(to: url)
                let line = "{stage: '\(stage)', weights: '\(url.path)', imageSize: 64}"
                let said = try #require(Self.refusal(line))
                #expect(said.contains("\(set.entries[place].name) (1 of ") && said.contains(url.path), "\(said)")
                #expect(Self.message(archive, before + line) == said)
            }
        }
        // A variance below zero, whose root is none, likewise.
        var negative = sets[0].1
        let variance = try #require(negative.entries.firstIndex { $0.name.hasSuffix(".running_var") })
        negative.updateValues(at: variance) { $0[0] = -1 }
        let file = archive.root.appendingPathComponent("negative.safetensors")
        try negative.encoded().write(to: file)
        let said = Self.refusal("{stage: 'mil-score', weights: '\(file.path)', imageSize: 64}")
        #expect(said?.contains("below zero") == true, "\(said ?? "accepted")")
        // And what a file says of itself beside its tensors.
        let told = archive.root.appendingPathComponent("told.safetensors")
        try Checkpoint.encoded(sets[0].1, metadata: ["input.size": "64", "input.mean.red": "nan"]).write(to: told)
        #expect(Self.refusal("{stage: 'mil-score', weights: '\(told.path)'}")?.contains("input.mean.red is no number") == true)
    }

    /// As frameworks leave it: wrapped, with a moving average and odds and ends beside.
    @Test func aWrappedNetworkScoresAsTheBareOneDoes() throws {
        let archive = try TinyArchive(studies: 4)
        let set = try MILNetwork(MILConfiguration(teacherHidden: 32, studentHidden: 32), seed: 1).parameters()
        func scores(_ entries: [ParameterSet.Entry]) throws -> [ResultRow.ImageScoreRow] {
            let url = archive.root.appendingPathComponent("wrapped.safetensors")
            try ParameterSet(entries: entries).encoded().write(to: url)
            return try Self.run(
                archive, "{stage: 'catalogue'}, {stage: 'labels'}, {stage: 'mil-score', weights: '\(url.path)', imageSize: 32}"
            ).imageScores()
        }
        func named(_ prefix: String) -> [ParameterSet.Entry] {
            set.entries.map { .init(name: prefix + $0.name, shape: $0.shape, values: $0.values) }
        }
        let bare = try scores(set.entries)
        #expect(!bare.isEmpty)
        #expect(try scores(named("model._orig_mod.") + [.init(name: "loss.weight", shape: [1], values: [2])]) == bare)
    }

    @Test func filesThatDoNotFitAreRefusedWithOneMessage() throws {
        let archive = try TinyArchive(studies: 2)
        func write(_ name: String, _ data: Data) throws -> String {
            let url = archive.root.appendingPathComponent(name)
            try data.write(to: url)
            return url.path
        }
        let segmenter = try PolypPVT(.b0, seed: 1).parameters()
        let mil = try MILNetwork(MILConfiguration(teacherHidden: 32, studentHidden: 32), seed: 1).parameters()
        let pvt = try write("pvt.safetensors", segmenter.encoded())
        let half = try write("half.safetensors", mil.encoded().prefix(100_000))
        let encoder = try write("resnet.safetensors", try ResNet(.resNet18, seed: 1).parameters().encoded())
        var entries = mil.entries
        let gone = entries.removeLast().name
        let lacking = try write("lacking.safetensors", try ParameterSet(entries: entries).encoded())
        let strange = try write(
            "strange.safetensors", try ParameterSet(entries: [.init(name: "x", shape: [1], values: [0])]).encoded())
        let before = "{stage: 'catalogue'}, {stage: 'labels'}, "
        for (stage, path, says) in [
            ("mil-score", pvt, "is of Polyp-PVT on PVTv2-B0, not of a MIL network"),
            ("mil-score", half, "half.safetensors"),
            ("mil-score", encoder, "`initialCheckpoint`"),
            ("mil-score", lacking, gone),
            ("cam", strange, "no network that is known"),
            ("cam", "/nowhere/weights.pth", "/nowhere/weights.pth: cannot be read"),
            ("toco-cam", pvt, "not of a ToCo network"),
            ("segment", lacking, "not of a Polyp-PVT"),
        ] {
            let said = Self.message(archive, before + "{stage: '\(stage)', weights: '\(path)', imageSize: 64}")
            #expect(said.hasPrefix("stage \(stage): ") && said.contains(says), "\(stage) \(path): \(said)")
            // The same is said before the job is accepted, but for what only loading shows.
            let atOnce = Self.refusal("{stage: '\(stage)', weights: '\(path)', imageSize: 64}")
            #expect(atOnce == (path == lacking && stage == "mil-score" ? nil : said), "\(stage) \(path)")
        }
        for stage in ["mil-score", "toco-cam", "segment"] {
            let said = Self.message(archive, "{stage: '\(stage)', imageSize: 64}")
            #expect(said.contains("`imageSize` is for a file named in `weights`"), "\(said)")
        }
    }

    /// What is said of the files that settings name before the job is accepted; nil where nothing is.
    private static func refusal(_ stages: String) -> String? {
        do {
            try Pipeline(json5: Data("{stages: [\(stages)]}".utf8), registry: .standard).checkFiles(registry: .standard)
            return nil
        } catch { return "\(error)" }
    }

    @Test func filesAreLookedAtBeforeAJobIsAccepted() throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("endoked-files-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        func write(_ name: String, _ data: Data) throws -> String {
            let url = folder.appendingPathComponent(name)
            try data.write(to: url)
            return url.path
        }
        let encoder = try write("resnet18.safetensors", try ResNet(.resNet18, seed: 1).parameters().encoded())
        let parameters = try PolypPVT(.b0, seed: 1).parameters()
        let segmenter = try write("b0.safetensors", parameters.encoded())
        let sized = try write("sized.safetensors", Checkpoint.encoded(parameters, metadata: ["input.size": "128"]))
        let text = try write("calibration.json", Data("no".utf8))
        for (stage, says) in [
            ("{stage: 'mil-train', initialCheckpoint: '\(encoder)'}", nil),
            (
                "{stage: 'mil-train', encoder: 'resNet50', initialCheckpoint: '\(encoder)'}",
                "is of resNet18, not of resNet50 or a MIL network on resNet50"
            ),
            (
                "{stage: 'mil-train', encoder: 'resnet50'}",
                "settings of stage mil-train: encoder: there is no \"resnet50\", only resNet18, resNet50"
            ),
            ("{stage: 'segment-train', size: 'b0', initialCheckpoint: '\(segmenter)'}", nil),
            ("{stage: 'segment-train', initialCheckpoint: '\(segmenter)'}", "not of PVTv2-B2 or a Polyp-PVT on PVTv2-B2"),
            ("{stage: 'toco-train', initialCheckpoint: '\(segmenter)'}", "not of a ViT of width 768, or a ToCo on one"),
            ("{stage: 'segment', weights: '\(segmenter)'}", "does not say at which size its network reads images"),
            ("{stage: 'segment', weights: '\(segmenter)', imageSize: 128}", nil),
            ("{stage: 'segment', weights: '\(sized)'}", nil),
            ("{stage: 'sam', weights: '\(sized)'}", "not of a Segment Anything"),
            ("{stage: 'segment', weights: '\(sized)', precision: 'int8', calibration: '/no/file'}", "the calibration /no/file"),
            ("{stage: 'segment', weights: '\(sized)', precision: 'int8', calibration: '\(text)'}", "calibration.json: "),
        ] as [(String, String?)] {
            let said = Self.refusal(stage)
            #expect((said == nil) == (says == nil) && said?.contains(says ?? "") != false, "\(stage): \(said ?? "accepted")")
        }
    }

    @Test func shardsThatRanDifferentParametersAreRefused() throws {
        let ledger = MemoryLedger(seed: 1, centres: ["east"])
        let (one, other) = (SHA256Digest(hashing: Data("one".utf8)), SHA256Digest(hashing: Data("other".utf8)))
        func record(_ digest: SHA256Digest) -> ShardRecord {
            let json = "{\"studies\":1,\"images\":2,\"failedImages\":0,\"parameters\":\"\(digest)\"}"
            return ShardRecord(key: "east/\(digest)", centre: "east", record: Data(json.utf8), blobs: [])
        }
        let stage = MILScoreStage()
        func reduce(_ records: [ShardRecord]) throws -> RoundOutcome {
            try stage.reduce(round: 0, records: records, settings: StageSettings(), view: ledger)
        }
        #expect(try reduce([record(one), record(one)]).metrics["images"] == 4)
        let error = #expect(throws: StageError.self) { try reduce([record(one), record(other)]) }
        #expect(error?.code == .parameters && error?.message.contains("different parameters") == true)
    }
}
