import Digest
import Foundation
import Imaging
import NeuralNetwork
import Stages
import Testing

/// Optical biopsy over a small archive: neoplastic discs are yellow, the others blue.
@Suite struct BiopsyStagesTests {
    private static let neoplastic: Set = [0, 8, 2, 6]
    private static let nonNeoplastic: Set = [4, 12, 10, 14]

    /// Of sixteen studies a centre every second one has a polyp: four to learn from, two to validate, two to test.
    private func archive(unknown: String? = nil) throws -> TinyArchive {
        let archive = try TinyArchive(studies: 16)
        for centre in ["east", "west"] {
            var reports = ""
            var truth = "study,polyp,pathology,report\n"
            let url = archive.root.appendingPathComponent("\(centre)/reports.jsonl")
            for (index, line) in try String(contentsOf: url, encoding: .utf8).split(separator: "\n").enumerated() {
                let study = "\(centre.prefix(1).uppercased())\(100 + index)"
                var pathology: String?
                if Self.neoplastic.contains(index) { pathology = "Tubular adenoma" }
                if Self.nonNeoplastic.contains(index) { pathology = "hyperplastic" }
                if index == 14, let unknown { pathology = unknown }
                reports += line.dropLast() + (pathology.map { ",\"pathology\":\"\($0)\"}" } ?? "}") + "\n"
                truth += "\(study),\(index % 2 == 0 ? 1 : 0),\(pathology ?? ""),\(index % 2 == 0 ? "yes" : "no")\n"
                guard Self.nonNeoplastic.contains(index) else { continue }
                for image in 1...4 {
                    let path = "\(centre)/studies/\(study)/0\(image).png"
                    var picture = try ImageDecoder.decode(contentsOf: archive.root.appendingPathComponent(path))
                    for y in 0..<picture.height {
                        for x in 0..<picture.width {
                            let red = picture[x: x, y: y, channel: 0]
                            picture[x: x, y: y, channel: 0] = picture[x: x, y: y, channel: 2]
                            picture[x: x, y: y, channel: 2] = red
                        }
                    }
                    try archive.write(path, try ImageEncoder.png(picture))
                }
            }
            try archive.write("\(centre)/reports.jsonl", Data(reports.utf8))
            try archive.write("\(centre)/studies.csv", Data(truth.utf8))
        }
        return archive
    }

    private static let training = """
        stage: 'biopsy-train', start: 'random', encoder: 'resNet18', imageSize: 32, images: 'truth', freezesBatchNorm: false,
        rounds: 2, replicas: 2, localEpochs: 6, batch: 8, learningRate: 1e-3, augmentation: 'flips', warmUp: 0
        """

    private func run(
        _ steps: String, on archive: TinyArchive, slots: Int = 1, order: @escaping @Sendable ([ShardPlan]) -> [ShardPlan] = { $0 }
    ) throws -> MemoryLedger {
        let pipeline = try Pipeline(
            json5: Data("{seed: 4, stages: [{stage: 'catalogue'}, {stage: 'labels'}, \(steps)]}".utf8), registry: .standard)
        let runner = LocalRunner(
            registry: .standard, centres: archive.centres, seed: pipeline.seed, slots: slots, order: order)
        try runner.run(pipeline)
        return runner.store
    }

    @Test func learnsClassesAndIsMeasuredAgainstPathology() throws {
        let ledger = try run(
            "{\(Self.training)}, {stage: 'biopsy', images: 'truth', confidence: 0.6}, {stage: 'evaluate', splits: ['val', 'test'], resamples: 100}",
            on: try archive())
        let scores = ledger.bagScores(ofStep: "biopsy")
        // Positive studies only, whether their pathology is known or not.
        #expect(scores.count == 16 && scores.allSatisfy { $0.head == "biopsy" && (0...1).contains($0.probability) })
        // Two of four images show the polyp.
        #expect(ledger.imageScores(ofStep: "biopsy").count == 32)
        func value(_ level: String, _ metric: String, _ split: String) -> Double? {
            ledger.evaluations.first {
                $0.level == level && $0.metric == metric && $0.dataset == split && $0.centre == "all" && $0.subject == "biopsy"
            }?.value
        }
        #expect(value("biopsy", "auc", "test") == 1 && value("biopsy-image", "auc", "test") == 1)
        let brier = try #require(value("biopsy", "brier", "test"))
        #expect(brier < 0.25)
        #expect(value("biopsy", "open-share", "test") != nil && value("biopsy", "calibration-error", "test") != nil)
        // Nobody takes its probability for that of a polyp.
        #expect(!ledger.evaluations.contains { ["bag", "image"].contains($0.level) && $0.head == "biopsy" })
        let metrics = ledger.metrics(ofStep: "biopsy", round: 0)
        #expect(metrics["studies"] == 16 && (metrics["neoplastic"] ?? 0) + (metrics["nonNeoplastic"] ?? 0) + (metrics["open"] ?? 0) == 16)
        #expect(ledger.metrics(ofStep: "biopsy-train", round: 2)["validationAUC"] == 1)
    }

    @Test func parametersDependOnTheSeedAloneAndAShareOfLabelsIsDrawn() throws {
        let archive = try archive()
        func trained(_ settings: String, slots: Int = 1, reversed: Bool = false) throws -> MemoryLedger {
            let short = Self.training.replacingOccurrences(of: "localEpochs: 6", with: "localEpochs: 1")
            return try run("{\(short), \(settings)}", on: archive, slots: slots) { reversed ? $0.reversed() : $0 }
        }
        func model(_ ledger: MemoryLedger) -> String? { ledger.model(ofStep: "biopsy-train", startingRound: nil)?.hex }
        let all = try trained("fraction: 1")
        #expect(try model(all) == model(trained("fraction: 1", slots: 2, reversed: true)) && model(all) != nil)
        #expect(all.metrics(ofStep: "biopsy-train", round: 0)["images"] == 16)
        // Half of the four patients of each class of each centre.
        let half = try trained("fraction: 0.5")
        #expect(half.metrics(ofStep: "biopsy-train", round: 0)["images"] == 8)
        #expect(try model(half) != model(trained("fraction: 0.5, draw: 1")))
    }

    /// With `trains: "head"` the encoder stays as it is, and images whose truth cannot be read are said.
    @Test func theHeadAloneLearnsAndUnreadableTruthIsSaid() throws {
        let archive = try archive()
        try archive.write("east/truth.csv", Data("study,image,polyp\n".utf8))
        try archive.write("east/truth/E100/02.png", Data("no picture".utf8))
        let short = Self.training.replacingOccurrences(of: "localEpochs: 6", with: "localEpochs: 1, trains: 'head'")
        let ledger = try run("{\(short)}", on: archive)
        func parameters(_ round: Int) throws -> ParameterSet {
            try ParameterSet(decoding: ledger.content(try #require(ledger.model(ofStep: "biopsy-train", startingRound: round))))
        }
        let (first, last) = (try parameters(1), try parameters(2))
        let same = zip(first.entries, last.entries).filter { $0.values == $1.values }.map(\.0.name)
        #expect(same.count { $0.hasPrefix("encoder.") } == first.entries.count { $0.name.hasPrefix("encoder.") })
        #expect(!same.contains("biopsy.0.weight") && !same.contains("biopsy.3.weight"))
        let items = ledger.items.filter { $0.study == "E100" && $0.image == "02.png" }
        #expect(!items.isEmpty && items.allSatisfy { $0.status == "failed" && !$0.message.contains("no picture") })
        #expect(ledger.metrics(ofStep: "biopsy-train", round: 0)["images"] == 15)
    }

    @Test func anUnknownPathologyIsSaidAndNotQuoted() throws {
        let ledger = try run("{stage: 'evaluate'}", on: try archive(unknown: "canary of the centre"))
        let items = ledger.items.filter { $0.reason == "unknown-pathology" }
        #expect(items.map(\.study) == ["E114", "W114"])
        #expect(items.allSatisfy { $0.message.contains("pathology") && !$0.message.contains("canary") })
    }

    @Test func whatIsMissingIsNamed() throws {
        let plain = try TinyArchive(studies: 8)
        let none = try #require(throws: StageError.self) { try run("{\(Self.training)}", on: plain) }
        #expect(none.code == .missingInput && none.message.contains("pathology of both classes"))
        func refusal(_ settings: String) -> String {
            let text = "{stages: [{stage: 'catalogue'}, {stage: 'labels'}, {stage: 'biopsy-train', \(settings)}]}"
            do {
                try Pipeline(json5: Data(text.utf8), registry: .standard).checkInputs(registry: .standard)
                return ""
            } catch { return "\(error)" }
        }
        #expect(refusal("start: 'file'").contains("initialCheckpoint"))
        #expect(refusal("start: 'mil'").contains("mil-train"))
        #expect(refusal("start: 'random', images: 'truth', fraction: 0").contains("fraction"))
        #expect(refusal("start: 'random'").contains("mil-score"))
    }
}
