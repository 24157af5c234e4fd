import NeuralNetwork

/// Polyp-PVT (Dong et al. 2023): a pyramid transformer and three modules that make two maps of polyp logits of its
/// stages. Names are those of the official checkpoint.
public final class PolypPVT: Module {
    /// What the network gives.
    public struct Outputs {
        /// The transformer's four maps, N,H,W,C.
        public let stages: [Tensor]
        /// Logits N,H,W,1 of the images' size: of the cascaded fusion, and of the similarity aggregation.
        public let first: Tensor
        public let second: Tensor
    }

    public let backbone: PVT
    /// Translayer2_0, 2_1, 3_1, 4_1 in the reference: the four stages brought to as many channels.
    let translations: [NormedConvolution]
    let fusion: CascadedFusion
    let identification: CamouflageIdentification
    let aggregation: SimilarityAggregation
    let firstHead: Conv2d
    let secondHead: Conv2d

    /// Everything behind the backbone starts as PyTorch's convolutions do, with biases of zero. Without a seed
    /// everything learnt starts at zero or one, for who loads parameters.
    public init(_ size: PVTSize = .b2, channels: Int = 32, dropPath: Float = 0.1, seed: UInt64?) throws {
        backbone = try PVT(size, dropPath: dropPath, seed: seed)
        translations = try size.widths.map { try NormedConvolution($0, channels, kernel: 1) }
        fusion = try CascadedFusion(channels: channels)
        identification = try CamouflageIdentification(channels: size.widths[0])
        aggregation = try SimilarityAggregation(channels: channels)
        firstHead = try Conv2d(channels, 1, kernel: 1, geometry: ConvolutionGeometry(), hasBias: true)
        secondHead = try Conv2d(channels, 1, kernel: 1, geometry: ConvolutionGeometry(), hasBias: true)
        guard let seed else { return }
        forEachParameter("") { name, parameter in
            guard !name.hasPrefix("backbone."), parameter.shape.count > 1 else { return }
            Initialisation.uniformFanIn(parameter, seed: seed, name: name)
        }
    }

    /// `images` is N,H,W,3 with sides divisible by 32, normalised by ImageNet's constants.
    public func callAsFunction(_ images: Tensor, _ pass: ForwardPass) throws -> Outputs {
        let stages = try backbone(images, pass)
        let (first, second) = try heads(stages, pass)
        return Outputs(stages: stages, first: first, second: second)
    }

    /// Both maps of logits from the transformer's four.
    func heads(_ stages: [Tensor], _ pass: ForwardPass) throws -> (first: Tensor, second: Tensor) {
        let fused = try fusion(
            deep: translations[3](stages[3], pass), middle: translations[2](stages[2], pass),
            shallow: translations[1](stages[1], pass), pass)
        let detail = try translations[0](identification(stages[0], pass), pass)
        let edge = try pass.resized(
            detail, height: detail.shape[1] / 2, width: detail.shape[2] / 2, alignsCorners: true)
        // Which node a pixel belongs to is a softmax over large similarities, which bf16 would turn over here and there;
        // it costs next to nothing.
        let aggregated = try aggregation(fused, edge: edge, pass.exact)
        func enlarged(_ map: Tensor) throws -> Tensor {
            try pass.resized(map, height: 8 * map.shape[1], width: 8 * map.shape[2], alignsCorners: false)
        }
        return try (
            enlarged(firstHead(fused, pass.exact, norm: nil)), enlarged(secondHead(aggregated, pass.exact, norm: nil))
        )
    }

    public func forEachParameter(_ prefix: String, _ body: (String, Parameter) throws -> Void) rethrows {
        try backbone.forEachParameter(joinedName(prefix, "backbone"), body)
        for (name, layer) in zip(["2_0", "2_1", "3_1", "4_1"], translations) {
            try layer.forEachParameter(joinedName(prefix, "Translayer" + name), body)
        }
        try fusion.forEachParameter(joinedName(prefix, "CFM"), body)
        try identification.forEachParameter(prefix, body)
        try aggregation.forEachParameter(joinedName(prefix, "SAM"), body)
        try secondHead.forEachParameter(joinedName(prefix, "out_SAM"), body)
        try firstHead.forEachParameter(joinedName(prefix, "out_CFM"), body)
    }
}
