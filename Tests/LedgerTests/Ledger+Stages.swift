import Foundation
import Ledger

extension Ledger {
    /// A job whose steps are called as their stages.
    func createJob(
        pipeline: Data, seed: Int64, archive: String, stages: [String], rounds: [String: Int] = [:], idempotencyKey: String? = nil
    ) throws -> JobID {
        try createJob(
            pipeline: pipeline, seed: seed, archive: archive,
            steps: stages.map { NewStep(name: $0, stage: $0, rounds: rounds[$0] ?? 1) }, idempotencyKey: idempotencyKey)
    }
}
