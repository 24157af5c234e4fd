import Foundation
import Models
import NeuralNetwork

/// With what values a network starts.
enum InitialValues {
    /// Brings the heads' linear layers from the reference's N(0, 0.01) to N(0, `deviation`).
    static func spread(_ network: MILNetwork, to deviation: Float) throws {
        guard deviation != 0.01 else { return }
        var set = try network.parameters()
        for (place, entry) in set.entries.enumerated() where entry.shape.count == 2 && !entry.name.hasPrefix("encoder.") {
            set.updateValues(at: place) { values in
                for index in values.indices { values[index] *= deviation / 0.01 }
            }
        }
        try network.load(set)
    }

    /// Starting values from a file on the coordinator's host. Loads a whole network where the file has one (`encoder.`, `attention.`, …), and an encoder by its published
    /// names otherwise; the heads then keep the values of the seed.
    static func load(_ path: String, into network: MILNetwork) throws {
        let tensors = try NetworkFile.load(PublishedWeights.file(path)).checkpoint.tensors
        let isWhole = tensors.names.contains { $0.hasPrefix("student.") }
        if isWhole { try network.load(tensors) } else { try network.loadEncoder(tensors) }
    }
}
