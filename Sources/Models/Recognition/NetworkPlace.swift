import NeuralNetwork

/// Where among a file's tensors a known network lies, and which it is.
///
/// Training scripts wrap networks: `model.`, `_orig_mod.`, `backbone.`, `ema_model.module.` stand before the names, other
/// tensors beside them. The network is what is known below the shortest such beginning. A moving average of the same
/// weights gives way to the weights themselves, and is taken where there is nothing else.
public struct NetworkPlace: Sendable, Equatable {
    public let network: KnownNetwork
    /// With what the names of its tensors begin in the file.
    public let prefix: String
    /// With what copies of it begin that lie below `prefix` as well, and are not taken.
    let copies: [String]
    /// What was chosen, for people.
    public let notes: [String]

    /// As deep as scripts ever wrap, and then some.
    private static let depthLimit = 8

    /// Nil where no known network is among the tensors.
    ///
    /// Throws `ParameterError.ambiguous` where several are, and none is told by its name as a moving average.
    public init?(in tensors: TensorShapes) throws {
        let found = Self.find(in: tensors, at: "", depth: 0)
        let (averages, plain) = (found.filter(\.isAverage), found.filter { !$0.isAverage })
        guard let taken = plain.first ?? averages.first else { return nil }
        guard (plain.isEmpty ? averages : plain).count == 1 else {
            throw ParameterError.ambiguous(
                between: found.map { "\($0.prefix.hasSuffix(".") ? String($0.prefix.dropLast()) : $0.prefix)" }.sorted())
        }
        (network, prefix) = (taken.network, taken.prefix)
        var notes: [String] = []
        if !prefix.isEmpty { notes.append("the network's names begin with \(prefix), which was taken off") }
        if plain.isEmpty { notes.append("it is a moving average of weights: other weights are not in the file") }
        copies = taken.copies
        let besides = taken.copies.map { taken.prefix + $0 } + (plain.isEmpty ? [] : averages.map(\.prefix))
        notes += besides.sorted().map { "a copy of the network under \($0) was not taken" }
        self.notes = notes
    }

    private struct Found {
        var network: KnownNetwork
        var prefix: String
        var copies: [String] = []
        var isAverage: Bool { prefix.split(separator: ".").contains { AveragedWeights.isName($0) } }
    }

    private static func find(in tensors: TensorShapes, at prefix: String, depth: Int) -> [Found] {
        let parts = beginnings(of: tensors)
        if let network = KnownNetwork(of: tensors) {
            let copies = parts.filter { KnownNetwork(of: tensors.below($0)) == network }
            return [Found(network: network, prefix: prefix, copies: copies)]
        }
        guard depth < depthLimit else { return [] }
        // The image encoder of a Segment Anything that is not known would pass for a vision transformer.
        return parts.filter { $0 != "image_encoder." }.flatMap { part in
            find(in: tensors.below(part), at: prefix + part, depth: depth + 1)
        }
    }

    /// With what names begin, up to their first dot; and `ema_`, which stands before names without one.
    private static func beginnings(of tensors: TensorShapes) -> [String] {
        var beginnings = Set<String>()
        for name in tensors.names {
            guard let dot = name.firstIndex(of: ".") else { continue }
            beginnings.insert(String(name[...dot]))
        }
        let glued = beginnings.count { $0.hasPrefix("ema_") }
        if glued > 1 {
            beginnings = beginnings.filter { !$0.hasPrefix("ema_") }
            beginnings.insert("ema_")
        }
        return beginnings.sorted()
    }
}
