/// What a checkpoint file would hold: all but the numbers.
public struct CheckpointOutline: Sendable {
    /// Under the names that `LoadedCheckpoint.tensors` has.
    public var tensors: TensorShapes
    /// As of `LoadedCheckpoint`.
    public var metadata: [String: String]
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
    /// The same without the numbers.
    public var outline: CheckpointOutline { CheckpointOutline(tensors: tensors.shapes, metadata: metadata) }

    public init(format: Format, tensors: ParameterSet, leftOut: [String] = [], notes: [String] = []) {
        self.format = format
        self.tensors = tensors
        self.leftOut = leftOut
        self.notes = notes
    }
}
