import Digest
import Foundation
import Ledger
import NeuralNetwork

/// `run.json`: what was run, with what, when, and how it ended.
struct RunRecord {
    let job: Job
    let ledger: Ledger

    func data() throws -> Data {
        let document = Document(
            job: job.id.rawValue, archive: job.archive, state: job.state.rawValue, message: job.message,
            exitCode: ExitStatus(of: job.state).rawValue, seed: job.seed,
            pipeline: String(decoding: job.pipeline, as: UTF8.self),
            startedAt: job.createdAt, finishedAt: job.finishedAt, stages: job.stages,
            models: Dictionary(
                uniqueKeysWithValues: try job.stages.compactMap { stage in
                    try ledger.finalModel(job: job.id, stage: stage.name).map { (stage.name, $0.digest.hex) }
                }),
            modelsUsed: Dictionary(
                uniqueKeysWithValues: try job.stages.compactMap { stage in
                    guard try ledger.finalModel(job: job.id, stage: stage.name) == nil,
                        let base = try ledger.rounds(job: job.id, stage: stage.name).first?.base
                    else { return nil }
                    return (stage.name, base.hex)
                }),
            workers: try ledger.workers().map { "\($0.name) \($0.setup)" }.sorted(), numericSetup: job.numericSetup,
            program: "endoked " + Program.version, engine: EngineSetup.library)
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
        return try encoder.encode(document)
    }

    private struct Document: Encodable {
        var job: Int64
        var archive: String
        var state: String
        var message: String
        var exitCode: Int32
        var seed: Int64
        var pipeline: String
        /// Seconds since 1970, by the database's clock.
        var startedAt: Double
        var finishedAt: Double?
        var stages: [JobStage]
        var models: [String: String]
        /// SHA-256 of the parameters that each stage that only infers ran, trained in this job or read from a file.
        var modelsUsed: [String: String]
        var workers: [String]
        var numericSetup: String?
        var program: String
        var engine: String
    }
}
