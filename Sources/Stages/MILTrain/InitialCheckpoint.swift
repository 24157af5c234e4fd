import Foundation
import Models
import NeuralNetwork

/// Starting values from a file on the coordinator's host.
enum InitialCheckpoint {
    /// Loads a whole network where the file has one (`encoder.`, `attention.`, …), and an encoder by torchvision's names
    /// otherwise; the heads then keep the values of the seed.
    static func load(_ path: String, into network: MILNetwork) throws {
        let tensors = try Checkpoint.load(URL(fileURLWithPath: path)).tensors
        let isWhole = tensors.names.contains { $0.hasPrefix("student.") }
        if isWhole { try network.load(tensors) } else { try network.loadEncoder(tensors) }
    }
}
