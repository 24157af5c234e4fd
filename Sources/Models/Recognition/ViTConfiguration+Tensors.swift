import NeuralNetwork

extension ViTConfiguration {
    /// Sizes of a vision transformer by its tensors, whose names start with `prefix`; where one that tells is missing,
    /// those of ViT/16 at 224, so that loading names it. Heads leave no trace in them: 64 numbers each, as in all
    /// published ones, or 32 in smaller ones.
    public init(of tensors: TensorShapes, prefix: String = "") {
        func shape(_ name: String) -> [Int]? { tensors[prefix + name] }
        let patches = shape("patch_embed.proj.weight") ?? []
        let width = patches.first ?? 768
        let positions = shape("pos_embed").map { $0.dropLast().last ?? 0 } ?? 197
        let start = prefix + "blocks."
        let blocks = Set(tensors.names.lazy.filter { $0.hasPrefix(start) }.map { $0.dropFirst(start.count).prefix { $0 != "." } })
        let hidden = shape("blocks.0.mlp.fc1.weight")?.first ?? width * 4
        var stem: [Int] = []
        while stem.count < 6, let channels = shape("patch_embed.stem.\(stem.count).weight")?.first { stem.append(channels) }
        var localDepth = 0
        while localDepth < 16, shape("patch_embed.local.\(localDepth).weight") != nil { localDepth += 1 }
        self.init(
            patch: stem.isEmpty ? (patches.count == 4 ? patches[3] : 16) : 2 << stem.count, width: width,
            depth: blocks.count, heads: width % 64 == 0 ? width / 64 : width % 32 == 0 ? width / 32 : 1,
            expansion: max(1, hidden / max(1, width)), grid: max(1, Int(Double(max(0, positions - 1)).squareRoot().rounded())),
            stem: stem, stemKernel: patches.count == 4 && !stem.isEmpty ? patches[3] : 4, localDepth: localDepth)
    }
}

extension ToCoConfiguration {
    /// Sizes of a ToCo network by its tensors. Its auxiliary layer and how it pools leave no trace: those of the reference.
    public init(of tensors: TensorShapes) {
        self.init(
            encoder: ViTConfiguration(of: tensors, prefix: "encoder."),
            decoder: tensors["decoder.c0.weight"] == nil ? .largeFOV : .aspp,
            decoderWidth: tensors["decoder.conv6.weight"]?.first ?? 512,
            hasProjections: tensors.names.contains { $0.hasPrefix("proj_head.") })
    }
}
