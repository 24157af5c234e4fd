import Archives
import Digest
import Foundation
import Ledger
import NeuralNetwork

/// Everything that a job found, from the ledger into files (docs/Results.md).
///
/// All tables but run.json hold no times and no worker names: two runs that computed the same are the same to the byte.
struct JobResults {
    let ledger: Ledger
    let job: JobID
    /// Where workers on this host keep pictures of frames.
    var pictures: [FramePictureFolder] = []
    /// Whether features are written as well: a file a study, kibibytes an image.
    var withFeatures = false

    /// Writes all files into `folder`.
    /// - Returns: what could not be written there; the rest is.
    @discardableResult
    func write(to folder: URL) throws -> Unwritten {
        guard let description = try ledger.job(job) else {
            throw ConfigurationError("the database knows no job \(job)")
        }
        let stages = description.stages.map(\.name)
        func save(_ name: String, _ table: CSVTable) throws {
            try OutputFolder.write(table.data, to: folder.appendingPathComponent(name))
        }
        try save("studies.csv", try studies())
        try save("report-labels.csv", try reportLabels())
        try save("bag-scores.csv", try bagScores(stages))
        try save("image-scores.csv", try imageScores(stages))
        try save("boxes.csv", try boxes(stages))
        try save("rounds.csv", try rounds(stages))
        try save("evaluations.csv", try evaluations())
        var unwritten = try writePictures(stages, to: folder)
        try writeModels(stages, of: description, to: folder, &unwritten)
        if withFeatures { try writeFeatures(description.stages.map { ($0.name, $0.kind) }, to: folder, &unwritten) }
        try save("items.csv", try items(stages, unwritten))
        try OutputFolder.write(
            try RunRecord(job: description, ledger: ledger).data(), to: folder.appendingPathComponent("run.json"))
        try OutputFolder.write(
            Data(("# Job \(job): \(description.archive)\n\n" + Self.ending(of: description) + "```\n" + (try summary()) + "\n```\n").utf8),
            to: folder.appendingPathComponent("summary.md"))
        return unwritten
    }

    /// How the job ended where that is not complete, with the reason: what was left out, and rounds of fewer replicas.
    private static func ending(of job: Job) -> String {
        job.state == .complete || job.state == .running
            ? "" : "The job is \(job.state.rawValue)" + (job.message.isEmpty ? "." : ": \(job.message)") + "\n\n"
    }

    private func studies() throws -> CSVTable {
        var table = CSVTable(["centre", "study", "split", "language", "images"])
        for row in try ledger.studies(job: job) {
            table.append([row.centre, row.study, row.split, row.language, String(row.images.count)])
        }
        return table
    }

    private func reportLabels() throws -> CSVTable {
        var table = CSVTable(["centre", "study", "polyp", "confidence", "findings", "source"])
        for row in try ledger.reportLabels(job: job) {
            table.append([
                row.centre, row.study, row.polyp.rawValue, CSVTable.number(row.confidence),
                String(decoding: row.findings, as: UTF8.self), row.source,
            ])
        }
        return table
    }

    private func bagScores(_ stages: [String]) throws -> CSVTable {
        var table = CSVTable(["stage", "centre", "study", "head", "probability"])
        for stage in stages {
            for row in try ledger.bagScores(job: job, stage: stage) {
                table.append([stage, row.centre, row.study, row.head, CSVTable.number(row.probability)])
            }
        }
        return table
    }

    private func imageScores(_ stages: [String]) throws -> CSVTable {
        var table = CSVTable(["stage", "centre", "study", "image", "head", "score"])
        for stage in stages {
            for row in try ledger.imageScores(job: job, stage: stage) {
                table.append([stage, row.centre, row.study, row.image, row.head, CSVTable.number(row.score)])
            }
        }
        return table
    }

    private func boxes(_ stages: [String]) throws -> CSVTable {
        var table = CSVTable(["stage", "centre", "study", "image", "x0", "y0", "x1", "y1", "area_share", "kept", "reason"])
        for stage in stages {
            for row in try ledger.boxes(job: job, stage: stage) {
                table.append(
                    [stage, row.centre, row.study, row.image]
                        + [row.x0, row.y0, row.x1, row.y1, row.areaFraction].map(CSVTable.number)
                        + [row.kept ? "yes" : "no", row.reason])
            }
        }
        return table
    }

    private func items(_ stages: [String], _ unwritten: Unwritten) throws -> CSVTable {
        var table = CSVTable(["stage", "centre", "study", "image", "status", "reason", "message"])
        for stage in stages {
            for row in try ledger.itemStatuses(job: job, stage: stage) {
                table.append([stage, row.centre, row.study, row.image, row.status.rawValue, row.reason, row.message])
            }
            for row in unwritten.refused where row.stage == stage {
                table.append([
                    stage, row.centre, row.study, row.image, "failed", "unsafe-name",
                    "its \(row.kind) was not written: one of these names is no plain file name",
                ])
            }
        }
        return table
    }

    private func rounds(_ stages: [String]) throws -> CSVTable {
        var table = CSVTable([
            "stage", "round", "expected", "received", "rejected", "loss", "validation_auc", "base", "result", "metrics",
        ])
        for stage in stages {
            for round in try ledger.rounds(job: job, stage: stage) {
                table.append([
                    stage, String(round.round), String(round.expected), String(round.received), String(round.rejected),
                    round.loss.map(CSVTable.number) ?? "", round.validationAUC.map(CSVTable.number) ?? "",
                    round.base?.hex ?? "", round.result?.hex ?? "", Self.metrics(of: round),
                ])
            }
        }
        return table
    }

    /// All that a round says of itself, by name: each head's own numbers among it, which a mean may hide.
    private static func metrics(of round: Round) -> String {
        guard let numbers = try? JSONDecoder().decode([String: Double].self, from: round.metrics) else {
            return String(decoding: round.metrics, as: UTF8.self)
        }
        return numbers.sorted { $0.key < $1.key }.map { "\($0.key)=\(CSVTable.number($0.value))" }.joined(separator: "; ")
    }

    private func evaluations() throws -> CSVTable {
        var table = CSVTable([
            "subject", "data_set", "centre", "level", "head", "metric", "value", "lower", "upper", "count", "model", "note",
        ])
        for (_, row) in try ledger.evaluations(job: job) {
            table.append([
                row.subject, row.dataSet, row.centre, row.level, row.head, row.metric,
                row.value.map(CSVTable.number) ?? "", row.lower.map(CSVTable.number) ?? "",
                row.upper.map(CSVTable.number) ?? "", String(row.count), row.model?.hex ?? "", row.note,
            ])
        }
        return table
    }

    private func writeModels(_ stages: [String], of job: Job, to folder: URL, _ unwritten: inout Unwritten) throws {
        var files = stages.map { (stage: $0, name: $0) }
        // The last generation of a loop's step under its plain name as well, whichever it was: later jobs name that.
        files += LoopModels.lastGenerations(of: job).map { (stage: $0.value, name: $0.key) }.sorted { $0.name < $1.name }
        for (stage, name) in files {
            guard let model = try ledger.finalModel(job: job.id, stage: stage) else { continue }
            guard let file = try Self.place(within: folder, { ["models", try SafeName.fileName(name, ".safetensors")] }) else {
                unwritten.refused.append((stage, "", "", "", "model"))
                continue
            }
            // What a later job must know to run them: `weights` of the inference stages reads it.
            let numbers =
                try ledger.rounds(job: job.id, stage: stage).first { $0.round == 0 }
                .map { try JSONDecoder().decode([String: Double].self, from: $0.metrics) } ?? [:]
            let told = numbers.filter { $0.key.hasPrefix("input.") || $0.key.hasPrefix("network.") }.mapValues { "\($0)" }
            let set = try ParameterSet(decoding: try ledger.blob(model.digest))
            try OutputFolder.write(Checkpoint.encoded(set, metadata: told), to: file)
        }
    }

    /// The evaluations as a table for people.
    func summary() throws -> String {
        let stages = try ledger.job(job)?.stages ?? []
        let evaluations = EvaluationTable(
            rows: try ledger.evaluations(job: job).map(\.row), stage: stages.last { $0.kind == "evaluate" }
        ).text
        let generations = GenerationTable(
            stages: stages.map(\.name), rounds: try stages.flatMap { try ledger.rounds(job: job, stage: $0.name) })
        let skipped = stages.filter { $0.state == .skipped }.map { "\($0.name): skipped, \($0.message)" }
        return ([evaluations] + [generations.text].compactMap { $0 } + (skipped.isEmpty ? [] : [skipped.joined(separator: "\n")]))
            .joined(separator: "\n\n")
    }

    func evaluationsAsJSON() throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .prettyPrinted]
        return String(decoding: try encoder.encode(try ledger.evaluations(job: job).map(\.row)), as: UTF8.self)
    }
}
