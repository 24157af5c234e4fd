import Digest
import Foundation
import NeuralNetwork

/// A calibration on its way from the coordinator's host to the workers.
enum CalibrationFile {
    /// The file's content, stored for shards to name; nil where there is no file.
    ///
    /// Throws `StageError.parameters` for what cannot be read, is no calibration, or belongs to other weights.
    static func stored(
        _ path: String?, network: String, parameters: SHA256Digest, view: any PlanningView, stage: String
    ) throws -> SHA256Digest? {
        guard let path else { return nil }
        return try view.store(
            try read(path, stage: stage) { try $0.require(network: network, parameters: parameters.hex) })
    }

    /// Looks at a calibration that settings name; to which weights it belongs is not seen. Nil: none is named.
    /// - Throws: `StageError.parameters` for what cannot be read or is no calibration.
    static func look(at path: String?, stage: String) throws {
        guard let path else { return }
        _ = try read(path, stage: stage) { _ in }
    }

    private static func read(_ path: String, stage: String, _ check: (Calibration) throws -> Void) throws -> Data {
        guard let data = FileManager.default.contents(atPath: path) else {
            throw StageError(.parameters, "stage \(stage): cannot read the calibration \(path) on the coordinator's host")
        }
        do { try check(Calibration(decoding: data)) } catch let error as EngineError {
            throw StageError(.parameters, "stage \(stage): \(path): \(error.message)")
        }
        return data
    }
}

extension MapContext {
    /// Stored content as a calibration; nil for nil.
    func calibration(_ digest: SHA256Digest?) throws -> Calibration? {
        try digest.map { try Calibration(decoding: try content($0)) }
    }
}
