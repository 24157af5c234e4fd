import Foundation
import NeuralNetwork
import TestSupport

/// A file of ../shared/golden.
enum GoldenFile {
    struct Absent: Error { let reason: String }

    static func read(_ name: String) throws -> ParameterSet {
        guard let folder = SharedFolder.url else { throw Absent(reason: SharedFolder.whySkipped) }
        return try Checkpoint.load(folder.appendingPathComponent("golden/\(name).safetensors")).tensors
    }
}
