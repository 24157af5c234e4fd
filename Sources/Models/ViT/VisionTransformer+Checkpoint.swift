import NeuralNetwork

extension VisionTransformer {
    /// What a checkpoint of timm or DeiT holds that this network has no place for: the classifying heads.
    static let headPrefixes = ["head.", "pre_logits.", "fc_norm."]

    /// Takes over a timm or DeiT checkpoint; its classifying head is left out. Position embeddings for another square
    /// grid are interpolated to this network's.
    ///
    /// Returns the names left out. Throws `ParameterError.missingTensors` where the rest does not fit, and nothing has
    /// been changed then. A distilled DeiT does not fit: it has a second token.
    @discardableResult
    public func loadPretrained(_ set: ParameterSet) throws -> [String] {
        var (kept, leftOut): ([ParameterSet.Entry], [String]) = ([], [])
        for entry in set.entries {
            if Self.headPrefixes.contains(where: entry.name.hasPrefix) {
                leftOut.append(entry.name)
            } else {
                kept.append(entry.name == "pos_embed" ? try fitted(entry) : entry)
            }
        }
        try load(ParameterSet(entries: kept))
        return leftOut
    }

    private func fitted(_ entry: ParameterSet.Entry) throws -> ParameterSet.Entry {
        let (grid, width) = (configuration.grid, configuration.width)
        guard entry.shape.count == 3, entry.shape[0] == 1, entry.shape[2] == width else { return entry }
        let side = Int(Double(entry.shape[1] - 1).squareRoot().rounded())
        guard side != grid, side > 0, side * side + 1 == entry.shape[1] else { return entry }
        let pass = ForwardPass(.evaluation)
        let patches = try Tensor(Array(entry.values[width...]), shape: [1, side, side, width])
        let values = entry.values[..<width] + (try pass.resizedCubically(patches, height: grid, width: grid)).values
        return ParameterSet.Entry(name: entry.name, shape: [1, grid * grid + 1, width], values: Array(values))
    }
}
