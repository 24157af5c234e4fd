import Foundation
import Ledger
import Stages

/// What the ledger keeps of a job's order: the pipeline, and the centres that it is about.
public struct JobDescription: Codable, Sendable, Hashable {
    /// The pipeline's canonical JSON.
    public var pipeline: JSONValue
    public var centres: [String]

    public init(pipeline: JSONValue, centres: [String]) {
        self.pipeline = pipeline
        self.centres = centres
    }

    /// Reads what `Job.pipeline` of the ledger holds.
    /// - Throws: `ClusterError.invalid`.
    public init(stored: Data) throws {
        do {
            self = try JSONDecoder().decode(JobDescription.self, from: stored)
        } catch {
            throw ClusterError(.invalid, "the ledger's description of the job cannot be read: another program wrote it")
        }
    }

    /// The pipeline, checked against the stages that this program knows.
    public func pipeline(registry: StageRegistry) throws -> Pipeline {
        try Pipeline(json5: pipeline.canonicalData(), registry: registry)
    }
}

/// Enters jobs into the ledger.
public enum JobSubmission {
    /// Checks the pipeline and creates the job; a coordinator finds it there.
    ///
    /// - Parameters:
    ///   - pipeline: JSON5.
    ///   - archive: how people call the archive.
    ///   - idempotencyKey: submitting again with the same key gives the same job.
    /// - Throws: `StageError.invalidSettings` for a pipeline that cannot run, `.parameters` for a file that a stage cannot
    ///   use, `ClusterError.invalid` without centres.
    public static func submit(
        pipeline: Data, archive: String, centres: [String], registry: StageRegistry, ledger: Ledger,
        idempotencyKey: String? = nil
    ) throws -> JobID {
        let parsed = try Pipeline(json5: pipeline, registry: registry)
        let centres = Array(Set(centres)).sorted()
        guard !centres.isEmpty else {
            throw ClusterError(
                .invalid, "no centre was named and no worker that reads one is connected: start a worker with --centre NAME=FOLDER")
        }
        try parsed.checkInputs(registry: registry)
        try parsed.checkFiles(registry: registry)
        let canonical = try JSONDecoder().decode(JSONValue.self, from: try parsed.canonicalJSON())
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let description = try encoder.encode(JobDescription(pipeline: canonical, centres: centres))
        return try ledger.createJob(
            pipeline: description, seed: Int64(bitPattern: parsed.seed), archive: archive,
            steps: try parsed.steps.map { step in
                NewStep(
                    step.name, stage: step.stage,
                    rounds: try registry[step.stage]?.roundCount(settings: step.settings) ?? 1)
            }, idempotencyKey: idempotencyKey)
    }
}
