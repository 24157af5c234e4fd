/// What a checkpoint file would hold: all but the numbers.
public struct CheckpointOutline: Sendable {
    /// Under the names that `LoadedCheckpoint.tensors` has.
    public var tensors: TensorShapes
    /// As of `LoadedCheckpoint`.
    public var metadata: [String: String]
    /// As of `LoadedCheckpoint`, where the numbers were looked at.
    public var faults: [NumberFault] = []
    public var notes: [String] = []
}

/// What a checkpoint file held.
public struct LoadedCheckpoint: Sendable {
    public enum Format: String, Sendable {
        case safetensors
        /// A zip archive with a pickle: torch 1.6 and later.
        case torchArchive = "torch archive"
        /// Pickles in a row: older torch; torchvision still serves such files.
        case torchStream = "torch stream"
    }

    public var format: Format
    /// The model's tensors, under the names of the file (less a common `module.`), as fp32.
    public var tensors: ParameterSet
    /// What else was in the file and is not in `tensors`: optimiser state, epochs, counters. One line each.
    public var leftOut: [String]
    /// What was changed on the way: a prefix taken off, numbers widened or rounded.
    public var notes: [String]
    /// What a .safetensors file says about itself in its header; empty for others.
    public var metadata: [String: String] = [:]
    /// Tensors whose numbers no network can use.
    public var faults: [NumberFault] = []
    /// The same without the numbers.
    public var outline: CheckpointOutline {
        CheckpointOutline(tensors: tensors.shapes, metadata: metadata, faults: faults, notes: notes)
    }

    public init(format: Format, tensors: ParameterSet, leftOut: [String] = [], notes: [String] = []) {
        self.format = format
        self.tensors = tensors
        self.leftOut = leftOut
        self.notes = notes
    }
}

extension LoadedCheckpoint {
    /// What lies below `prefix`, which is taken off the names, less what begins with one of `without` then.
    package func below(_ prefix: String, without: [String], notes more: [String]) throws -> LoadedCheckpoint {
        func place(_ name: String) -> String? {
            guard name.hasPrefix(prefix) else { return nil }
            let rest = String(name.dropFirst(prefix.count))
            return rest.isEmpty || without.contains { rest.hasPrefix($0) } ? nil : rest
        }
        var taken = self
        taken.tensors = try ParameterSet(
            entries: tensors.entries.compactMap { entry in
                place(entry.name).map { .init(name: $0, shape: entry.shape, values: entry.values) }
            })
        taken.faults = faults.renamed(place)
        taken.notes += more
        let besides = tensors.entries.count - taken.tensors.entries.count
        if besides > 0 { taken.leftOut.append("\(besides) tensors beside the network") }
        return taken
    }
}

extension CheckpointOutline {
    /// As of `LoadedCheckpoint`.
    package func below(_ prefix: String, without: [String], notes more: [String]) -> CheckpointOutline {
        CheckpointOutline(
            tensors: tensors.below(prefix).without(without), metadata: metadata,
            faults: faults.renamed { name in
                guard name.hasPrefix(prefix) else { return nil }
                let rest = String(name.dropFirst(prefix.count))
                return without.contains { rest.hasPrefix($0) } ? nil : rest
            }, notes: notes + more)
    }
}

extension [NumberFault] {
    /// With other names; those that get none are gone.
    fileprivate func renamed(_ name: (String) -> String?) -> [NumberFault] {
        compactMap { fault in
            guard let new = name(fault.name) else { return nil }
            var fault = fault
            fault.name = new
            return fault
        }
    }
}
