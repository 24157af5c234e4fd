import Digest
import Foundation
import Imaging
import Testing

import Stages

/// The whole job over a tiny archive: every stage, in one process.
@Suite struct WholeJobTests {
    private static let pipeline = """
        {seed: 2, stages: [
          {stage: 'catalogue'}, {stage: 'labels'},
          {stage: 'mil-train', rounds: 2, replicas: 2, localEpochs: 3, imageSize: 32, teacherHidden: 32, studentHidden: 32,
           dropout: 0, optimiser: 'adamw', learningRate: 1e-3, schedule: 'cosine', bagsPerStep: 2, studentBatch: 16,
           negativeWeight: 0.5, studentFilter: 'none'},
          {stage: 'mil-score', studiesPerShard: 5},
          {stage: 'cam', threshold: 0, imageSize: 64, views: 4, scales: [1, 2], imagesPerShard: 7},
          {stage: 'evaluate', splits: ['test', 'val'], resamples: 100, threshold: 0},
        ]}
        """

    private func run(_ archive: TinyArchive) throws -> LocalRunner {
        let pipeline = try Pipeline(json5: Data(Self.pipeline.utf8), registry: .standard)
        let runner = LocalRunner(registry: .standard, centres: archive.centres, seed: pipeline.seed)
        try runner.run(pipeline)
        return runner
    }

    @Test func everyStageLeavesItsRows() throws {
        let archive = try TinyArchive(studies: 8)
        let ledger = try run(archive).store
        #expect(ledger.studies().count == 16 && ledger.reportLabels().count == 16)
        #expect(ledger.reportLabels().filter { $0.polyp == "yes" }.count == 8)
        #expect(ledger.bagScores().count == 16 * 3 && ledger.imageScores().count == 64 * 4)
        #expect(ledger.bagScores().allSatisfy { (0...1).contains($0.probability) })
        let weights = ledger.imageScores().filter { $0.head == "attentionWeight" && $0.study == "E100" }.map(\.score)
        #expect(abs(weights.reduce(0, +) - 1) < 1e-6)
        for row in ledger.bagScores() where row.head == "student" {
            let images = ledger.imageScores().filter { $0.head == "student" && $0.study == row.study }.map(\.score)
            #expect(images.max() == row.probability)
        }
        // Maps are made of studies with a positive report only: eight of them, with four images each.
        #expect(ledger.boxes().count == 32 && ledger.masks().count == 64)
        for box in ledger.boxes() {
            #expect(box.isKept == (box.rejection == nil))
            #expect(box.rectangle.map { $0.x0 >= 0 && $0.x1 <= 64 && $0.x0 < $0.x1 } ?? (box.rejection == "no-foreground"))
        }
        for mask in ledger.masks().prefix(6) {
            let picture = try ImageDecoder.decode(try ledger.content(mask.content))
            #expect(picture.width == 64 && picture.channels == 1)
        }
        // What shows frames is no content: it stays where it was made.
        #expect(ledger.pictures.count == 32 && ledger.pictures.allSatisfy { $0.kind == "overlay" && $0.place == .local })
        for picture in ledger.pictures.prefix(2) {
            #expect(try ImageDecoder.decode(picture.data).channels == 3)
            #expect(throws: StageError.self) { try ledger.content(SHA256Digest(hashing: picture.data)) }
        }
        try check(ledger.evaluations, model: ledger.model(ofStep: "mil-train", startingRound: nil))
        #expect(ledger.items.isEmpty)
    }

    private func check(_ rows: [ResultRow.EvaluationRow], model: SHA256Digest?) throws {
        func row(_ level: String, _ head: String, _ metric: String, _ centre: String = "all") throws -> ResultRow.EvaluationRow {
            try #require(
                rows.first {
                    $0.level == level && $0.head == head && $0.metric == metric && $0.centre == centre && $0.dataset == "test"
                }, "\(level) \(head) \(metric) \(centre)")
        }
        #expect(try row("report", "", "accuracy").value == 1)
        let area = try row("image", "student", "auc")
        #expect(area.count == 16 && area.model == model && area.value != nil)
        #expect((area.lower ?? 2) <= (area.value ?? -1) && (area.upper ?? -1) >= (area.value ?? 2))
        #expect(try row("bag", "attention", "auc", "east").count == 2)
        let hits = try row("box", "student", "box-hit-share")
        #expect(hits.count == 4 && (0...1).contains(hits.value ?? -1))
        #expect(try row("mask", "student", "dice").count == 4)
        let structure = try row("mask", "student", "smeasure")
        #expect(structure.count == 4 && (0...1).contains(structure.value ?? -1))
        #expect(!rows.contains { $0.metric.hasSuffix("_max") })
        #expect(Set(rows.map(\.dataset)) == ["test", "val"])
    }

    @Test func aCentreWithOneClassHasNoAreaAndSaysWhy() throws {
        let archive = try TinyArchive(studies: 8)
        var truth = try String(contentsOf: archive.root.appendingPathComponent("east/studies.csv"), encoding: .utf8)
        truth = truth.replacingOccurrences(of: ",0,,", with: ",1,,")
        try archive.write("east/studies.csv", Data(truth.utf8))
        try FileManager.default.removeItem(at: archive.root.appendingPathComponent("west/truth.csv"))
        try FileManager.default.removeItem(at: archive.root.appendingPathComponent("west/studies.csv"))
        try FileManager.default.removeItem(at: archive.root.appendingPathComponent("west/truth"))
        let rows = try run(archive).store.evaluations
        let row = try #require(rows.first { $0.level == "bag" && $0.centre == "east" && $0.metric == "auc" })
        #expect(row.value == nil && row.note.contains("positive"))
        // A centre that is not measured does not vanish.
        let west = rows.filter { $0.centre == "west" }
        #expect(west.map(\.metric) == ["measured"] && west.allSatisfy { $0.value == nil && $0.note.contains("brings no truth along") })
    }

    @Test func builtInPipelinesAreAccepted() throws {
        for name in BuiltInPipelines.names {
            let text = try #require(BuiltInPipelines.text(named: name))
            let pipeline = try Pipeline(json5: Data(text.utf8), registry: .standard)
            let stages = pipeline.steps.map(\.stage)
            #expect(stages.starts(with: ["catalogue", "labels"]) && stages.last == "evaluate")
            let middle: [String] =
                switch name {
                case "practical":
                    ["features", "mil-train", "mil-score", "cam", "sam", "segment-train", "segment", "refine", "segment-train", "segment"]
                case "inference": ["features", "mil-score", "cam", "segment"]
                case "segment": ["segment-train", "segment"]
                case "toco": ["mil-train", "mil-score", "cam", "toco-train", "toco-cam"]
                case "whole": ["mil-train", "mil-score", "cam", "toco-train", "toco-cam", "segment-train", "segment"]
                default: ["mil-train", "mil-score", "cam"]
                }
            #expect(Array(stages.dropFirst(2).dropLast()) == middle)
        }
        #expect(BuiltInPipelines.text(named: "none") == nil)
    }

    @Test func stagesSayWhichStageIsMissingBeforeThem() throws {
        let archive = try TinyArchive(studies: 2)
        for stage in ["mil-score", "cam"] {
            let runner = LocalRunner(registry: .standard, centres: archive.centres, seed: 1)
            let error = #expect(throws: StageError.self) {
                try runner.run(Pipeline.Step(stage: stage, settings: StageSettings()))
            }
            #expect(error?.code == .missingInput && error?.message.contains("stage \(stage) needs a trained network") == true)
            // Before a job is accepted the stage that would do is named.
            let text = "{stages: [{stage: 'catalogue'}, {stage: 'labels'}, {stage: '\(stage)'}]}"
            let refusal = #expect(throws: StageError.self) {
                try Pipeline(json5: Data(text.utf8), registry: .standard).checkInputs(registry: .standard)
            }
            #expect(refusal?.message.contains("\(stage) needs mil-train before it") == true)
        }
    }
}
