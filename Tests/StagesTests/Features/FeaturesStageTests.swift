import Digest
import Foundation
import NeuralNetwork
import Stages
import Testing

@Suite struct FeaturesStageTests {
    static let registry = StageRegistry([
        CatalogueStage(), LabelsStage { _ in PlainExtractor() }, FeaturesStage(), MILTrainStage(), MILScoreStage(),
    ])
    static let features = "stage: 'features', encoder: 'resNet18', weights: 'random', imageSize: 32, studiesPerShard: 3"
    static let training = """
        stage: 'mil-train', input: 'features', rounds: 2, replicas: 3, teacherHidden: 16, studentHidden: 16, dropout: 0.2,
        optimiser: 'adamw', learningRate: 2e-3, studentBatch: 16, studentFilter: 'none', headDeviation: 0.05
        """

    private func run(_ steps: String, on archive: TinyArchive, slots: Int = 1) throws -> LocalRunner {
        let text = "{seed: 3, stages: [{stage: 'catalogue'}, {stage: 'labels'}, \(steps)]}"
        let pipeline = try Pipeline(json5: Data(text.utf8), registry: Self.registry)
        let runner = LocalRunner(registry: Self.registry, centres: archive.centres, seed: pipeline.seed, slots: slots)
        try runner.run(pipeline)
        return runner
    }

    @Test func eachImageIsEncodedOnce() throws {
        let archive = try TinyArchive(studies: 6)
        let runner = try run("{\(Self.features)}, {step: 'again', \(Self.features)}", on: archive, slots: 2)
        let rows = runner.store.features(ofStep: "features")
        #expect(rows.count == 12)
        let first = runner.store.metrics(ofStep: "features", round: 0)
        #expect(first["images"] == 48 && first["reusedImages"] == 0 && first["features"] == 512)
        // Every second pair of studies trains: four studies a centre of six.
        #expect(first["statisticsImages"] == 32)
        let again = runner.store.metrics(ofStep: "again", round: 0)
        #expect(again["images"] == 48 && again["reusedImages"] == 48)
        #expect(runner.store.features(ofStep: "again") == rows)
        let study = try StudyFeatures(decoding: runner.store.content(rows[0].content))
        #expect(study.images == ["01.png", "02.png", "03.png", "04.png"] && study.length == 512)
        let file = try Data(contentsOf: archive.root.appendingPathComponent("east/studies/\(rows[0].study)/02.png"))
        #expect(study.digests[1] == SHA256Digest(hashing: file))
    }

    @Test func aChangedImageIsEncodedAnewAndABrokenOneLeavesARow() throws {
        let archive = try TinyArchive(studies: 4)
        let runner = try run("{\(Self.features)}", on: archive)
        let before = runner.store.features(ofStep: "features")
        let study = before[0].study
        let other = try Data(contentsOf: archive.root.appendingPathComponent("east/studies/\(before[1].study)/01.png"))
        try archive.write("east/studies/\(study)/02.png", other)
        try archive.write("east/studies/\(study)/03.png", Data("no picture".utf8))
        let pipeline = try Pipeline(
            json5: Data("{stages: [{stage: 'catalogue'}, {\(Self.features)}]}".utf8), registry: Self.registry)
        try runner.run(Pipeline.Step("later", stage: "features", settings: pipeline.steps[1].settings))
        let metrics = runner.store.metrics(ofStep: "later", round: 0)
        #expect(metrics["images"] == 31 && metrics["reusedImages"] == 30 && metrics["failedImages"] == 1)
        let after = runner.store.features(ofStep: "later")
        #expect(after.map(\.study) == before.map(\.study))
        #expect(after.filter { new in !before.contains { $0.content == new.content } }.map(\.study) == [study])
        #expect(runner.store.items.map(\.image) == ["03.png"])
        let new = try StudyFeatures(decoding: runner.store.content(after[0].content))
        #expect(new.images == ["01.png", "02.png", "04.png"])
        // The other study's first image, byte for byte, has that one's features.
        let twin = try StudyFeatures(decoding: runner.store.content(after[1].content))
        #expect(Array(new[1]) == Array(twin[0]))
    }

    @Test func headsLearnOnFeaturesAndBecomeAWholeNetwork() throws {
        let archive = try TinyArchive(studies: 8)
        let steps = """
            {\(Self.features)}, {\(Self.training)}, {step: 'fast', stage: 'mil-score', input: 'features'},
            {step: 'slow', stage: 'mil-score'}
            """
        let runner = try run(steps, on: archive)
        // What the heads say of features is what the whole network says of the images.
        let (fast, slow) = (runner.store.imageScores(ofStep: "fast"), runner.store.imageScores(ofStep: "slow"))
        #expect(fast.count == slow.count && fast.count == 64 * 4)
        for (a, b) in zip(fast, slow) {
            #expect(a.image == b.image && a.head == b.head && abs(a.score - b.score) < 1e-4 * max(1, abs(b.score)), "\(a) \(b)")
        }
        let model = try #require(runner.store.model(ofStep: "mil-train", startingRound: nil))
        let set = try ParameterSet(decoding: runner.store.content(model))
        #expect(set["encoder.conv1.weight"] != nil && set["student.classifier.1.weight"]?.shape == [16, 512])
        // A round's own parameters are the heads alone.
        let round = try #require(runner.store.model(ofStep: "mil-train", startingRound: 1))
        #expect(try ParameterSet(decoding: runner.store.content(round))["encoder.conv1.weight"] == nil)
        #expect(runner.store.metrics(ofStep: "mil-train", round: 2)["validationAUC.student"] != nil)
    }

    @Test func theModelDoesNotDependOnOrderOrSlots() throws {
        let archive = try TinyArchive(studies: 8)
        let steps = "{\(Self.features)}, {\(Self.training)}"
        let models = try [1, 2].map { slots in
            try run(steps, on: archive, slots: slots).store.model(ofStep: "mil-train", startingRound: nil)
        }
        #expect(models[0] != nil && models[0] == models[1])
    }

    @Test func whatDoesNotFitIsRefused() throws {
        let registry = Self.registry
        func refusal(_ steps: String) -> String? {
            let text = "{stages: [{stage: 'catalogue'}, {stage: 'labels'}, \(steps)]}"
            do {
                _ = try Pipeline(json5: Data(text.utf8), registry: registry)
                return nil
            } catch { return "\(error)" }
        }
        #expect(refusal("{stage: 'features', encoder: 'efficientNetLite0', imageSize: 100}")?.contains("multiple of 32") == true)
        #expect(refusal("{stage: 'features', encoder: 'resNet50'}")?.contains("give `weights`") == true)
        #expect(refusal("{stage: 'features', encoder: 'efficientNetLite9'}")?.contains("efficientNetLite4") == true)
        #expect(
            refusal("{\(Self.features)}, {\(Self.training), initialCheckpoint: 'x.pth'}")?.contains("initialCheckpoint") == true)
        #expect(refusal("{\(Self.features)}, {\(Self.training)}") == nil)
        // Another encoder's features would be read as what they are not.
        let archive = try TinyArchive(studies: 4)
        let mixed = """
            {\(Self.features)}, {\(Self.training)}, {step: 'others', stage: 'features', encoder: 'resNet18', weights: 'random', imageSize: 64},
            {stage: 'mil-score', input: 'features', from: {features: 'others'}}
            """
        let lacking = try #require(throws: StageError.self) { try run("{\(Self.training)}", on: archive) }
        #expect(lacking.message.contains("features"), "\(lacking.message)")
        let error = try #require(throws: StageError.self) { try run(mixed, on: archive) }
        #expect(error.code == .parameters && error.message.contains("another encoder"))
    }
}
