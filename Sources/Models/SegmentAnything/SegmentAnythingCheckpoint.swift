import NeuralNetwork

/// What the published files of Segment Anything hold beside the parameters that are used here.
enum SegmentAnythingCheckpoint {
    /// Mean and deviation of 8-bit colour, constants of the method.
    static let mean: [Float] = [123.675, 116.28, 103.53]
    static let deviation: [Float] = [58.395, 57.12, 57.375]

    /// Which network a file is of, by its tensors' names and shapes.
    ///
    /// Throws `ParameterError.missingTensors` where it is none of them.
    static func kind(of tensors: TensorShapes) throws -> SegmentAnythingKind {
        if tensors["image_encoder.layers.0.blocks.0.conv1.c.weight"] != nil { return .mobile }
        let width = tensors["image_encoder.patch_embed.proj.weight"]?.first
        if let kind = SegmentAnythingKind.allCases.first(where: { $0.transformer?.width == width && width != nil }) {
            return kind
        }
        throw ParameterError(
            .missingTensors,
            "these parameters belong to no Segment Anything: neither image_encoder.patch_embed.proj.weight of 768, 1024 or "
                + "1280 rows (ViT-B, L, H) nor the layers of MobileSAM's image_encoder are among its \(tensors.names.count) tensors")
    }

    /// The parameters that the network has. The rest is known: the classifier with which TinyViT was trained is not
    /// used; the places in the table of attention biases and the colours' mean and deviation must be those computed
    /// here.
    ///
    /// Throws `ParameterError.malformedFile` where they are others.
    static func used(_ set: ParameterSet) throws -> ParameterSet {
        try ParameterSet(
            entries: set.entries.filter { entry in
                if entry.name.hasSuffix(".attention_bias_idxs") {
                    try checkPlaces(entry)
                    return false
                }
                if entry.name == "pixel_mean" || entry.name == "pixel_std" {
                    try check(entry, entry.values == (entry.name == "pixel_mean" ? mean : deviation))
                    return false
                }
                // A counter that only training with moving averages needs.
                if entry.name.hasSuffix(".num_batches_tracked") { return false }
                return !["norm_head.", "head."].contains { entry.name.hasPrefix("image_encoder." + $0) }
            })
    }

    private static func checkPlaces(_ entry: ParameterSet.Entry) throws {
        let side = Int(Double(entry.shape.first ?? 0).squareRoot().rounded())
        try check(
            entry,
            entry.shape == [side * side, side * side]
                && entry.values.elementsEqual(TableAttention.distances(side).lazy.map(Float.init)))
    }

    private static func check(_ entry: ParameterSet.Entry, _ isKnown: Bool) throws {
        guard isKnown else {
            throw ParameterError(
                .malformedFile, "\(entry.name) \(entry.shape) holds other constants than Segment Anything's: the file is of a variant")
        }
    }
}
