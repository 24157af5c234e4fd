import Cluster
import Ledger
import Stages

/// Which generation of a loop's steps was the last to run.
enum LoopModels {
    /// By the step's plain name. Empty without loops, and where another program wrote the job's pipeline.
    static func lastGenerations(of job: Job) -> [String: String] {
        guard let pipeline = try? JobDescription(stored: job.pipeline).pipeline(registry: .standard) else { return [:] }
        let ran = Set(job.stages.filter { $0.state == .complete || $0.state == .partial }.map(\.name))
        var last: [String: String] = [:]
        for step in pipeline.steps where ran.contains(step.name) {
            if let generation = step.generation { last[generation.step] = step.name }
        }
        return last
    }
}
