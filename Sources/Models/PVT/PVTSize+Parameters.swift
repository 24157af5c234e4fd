import NeuralNetwork

extension PVTSize {
    /// The size whose widths and depths these tensors have; nil for none. `prefix` stands before the backbone's names:
    /// "backbone." in a network that has it for one.
    public init?(of tensors: TensorShapes, prefix: String = "") {
        let depths = (1...4).map { stage in
            let start = "\(prefix)block\(stage)."
            return Set(
                tensors.names.lazy.filter { $0.hasPrefix(start) }.map { $0.dropFirst(start.count).prefix { $0 != "." } }
            ).count
        }
        let width = tensors["\(prefix)patch_embed1.proj.weight"]?.first
        let hidden = tensors["\(prefix)block1.0.mlp.fc1.weight"]?.first
        guard
            let found = PVTSize.allCases.first(where: {
                $0.depths == depths && $0.widths[0] == width && $0.widths[0] * $0.expansions[0] == hidden
            })
        else { return nil }
        self = found
    }
}
