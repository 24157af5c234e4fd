import Foundation
import Ledger
import Stages

/// `--pipeline`: a built-in name or a JSON5 file.
enum PipelineOption {
    /// The pipeline's canonical JSON, checked against the stages of this program.
    static func canonical(_ nameOrFile: String, seed: Int?) throws -> Data {
        let text: Data
        if let builtIn = BuiltInPipelines.text(named: nameOrFile) {
            text = Data(builtIn.utf8)
        } else if let file = FileManager.default.contents(atPath: nameOrFile) {
            text = file
        } else {
            throw UsageError(
                "no pipeline '\(nameOrFile)': neither a readable file nor one of "
                    + BuiltInPipelines.names.joined(separator: ", "))
        }
        var pipeline = try Pipeline(json5: text, registry: .standard)
        if let seed { pipeline.seed = UInt64(seed) }
        return try pipeline.canonicalJSON()
    }
}

extension ExitStatus {
    /// What a job that ended in `state` means for the command that waited for it.
    init(of state: Job.State) {
        switch state {
        case .complete: self = .complete
        case .partial: self = .partial
        case .cancelled: self = .cancelled
        case .failed, .running: self = .failed
        }
    }
}
