import Foundation
import Ledger
import NeuralNetwork
import Stages

/// `--pipeline`: a built-in name or a JSON5 file.
enum PipelineOption {
    /// The pipeline's canonical JSON, checked against the stages of this program.
    ///
    /// - Parameter models: for what settings name as `models/…`: the folder of a former run's models.
    static func canonical(_ nameOrFile: String, seed: Int?, models: String?) throws -> Data {
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
        try place(&pipeline, in: models, isBuiltIn: BuiltInPipelines.names.contains(nameOrFile), name: nameOrFile)
        return try pipeline.canonicalJSON()
    }

    /// Lets settings that begin with `models/` name files of the folder given. A pipeline of somebody's own may mean a
    /// folder beside it where none is given; a built-in one cannot.
    private static func place(_ pipeline: inout Pipeline, in models: String?, isBuiltIn: Bool, name: String) throws {
        try pipeline.changeSettings { step in
            let given = try JSONDecoder().decode([String: JSONValue].self, from: step.settings.json)
            var fields = given
            for (field, value) in given {
                guard case .string(let text) = value, text.hasPrefix(BuiltInPipelines.modelsPrefix) else { continue }
                guard let models else {
                    guard isBuiltIn else { continue }
                    throw UsageError("the pipeline \(name) runs the networks of a former run: name its folder, --models OUT/models")
                }
                let folder = URL(fileURLWithPath: models)
                fields[field] = .string(folder.appendingPathComponent(String(text.dropFirst(BuiltInPipelines.modelsPrefix.count))).path)
            }
            return fields == given ? step.settings : StageSettings(json: try JSONEncoder().encode(fields))
        }
    }

    /// Refuses a pipeline that this machine's processor cannot compute: for a job whose workers all run here, which would
    /// otherwise say so when the first such stage begins.
    static func requireArithmetic(_ canonical: Data, named name: String) throws {
        guard !EngineSetup.hasBFloat16 else { return }
        let stages = try Pipeline(json5: canonical, registry: .standard).written.filter { step in
            let fields = try JSONDecoder().decode([String: JSONValue].self, from: step.settings.json)
            return fields.contains { $0.key.lowercased().hasSuffix("precision") && $0.value == .string("bf16") }
        }
        guard !stages.isEmpty else { return }
        throw ConfigurationError(
            "this processor (\(EngineSetup.instructionSet)) does not multiply bf16, which the pipeline asks for in "
                + stages.map(\.stage).joined(separator: ", ") + ": give it one with precision fp32, as "
                + "`endoked run --show-pipeline --pipeline \(name) | sed s/bf16/fp32/g > fp32.json5` makes")
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
