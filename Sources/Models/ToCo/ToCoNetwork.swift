import NeuralNetwork

/// ToCo (Ru et al., CVPR 2023) for one finding: where in an image it is, learnt from whether it is there
/// (docs/Method.md, section 3). Names are the reference's: `encoder.`, `classifier.`, `aux_classifier.`, `decoder.`,
/// `proj_head.`, `proj_head_t.`. A network belongs to one thread; to move it, send its `parameters()`.
public final class ToCoNetwork: Module {
    /// The encoder's tokens.
    public struct Features {
        /// N,C: the class token after the final normalisation.
        public let classToken: Tensor
        /// N,h,w,C: the patches after the final normalisation, F.
        public let map: Tensor
        /// N,h,w,C: the patches after the auxiliary layer, F_aux.
        public let auxiliary: Tensor
    }

    /// Class activation maps, one number a patch, not normalised: N,h,w,1.
    public struct ActivationMaps {
        public let main: Tensor
        public let auxiliary: Tensor
    }

    public let configuration: ToCoConfiguration
    public let encoder: VisionTransformer
    let classifier: Parameter
    let auxiliaryClassifier: Parameter
    let decoder: SegmentationDecoder
    let projection: ProjectionHead?
    let projectionTeacher: ProjectionHead?

    /// `seed` decides all starting values; nil leaves zeros, for who loads parameters. The teacher's projection head starts
    /// as the student's.
    public init(_ configuration: ToCoConfiguration = ToCoConfiguration(), seed: UInt64?) throws {
        try configuration.check()
        self.configuration = configuration
        let width = configuration.encoder.width
        encoder = try VisionTransformer(configuration.encoder, seed: seed, prefix: "encoder")
        classifier = try Parameter(shape: [1, width, 1, 1])
        auxiliaryClassifier = try Parameter(shape: [1, width, 1, 1])
        decoder = try SegmentationDecoder(configuration)
        projection = configuration.hasProjections ? try ProjectionHead(inputs: width, widths: configuration.projection) : nil
        projectionTeacher =
            configuration.hasProjections ? try ProjectionHead(inputs: width, widths: configuration.projection) : nil
        guard let seed else { return }
        for (name, parameter) in [("classifier", classifier), ("aux_classifier", auxiliaryClassifier)] {
            switch configuration.pooling {
            case .maximum: Initialisation.uniformFanIn(parameter, seed: seed, name: name + ".weight")
            case .topPatches:
                // Next to zero, so that what is seen chooses the patches, not the start: with a larger main one the map of
                // about every second seed lit up the wrong patches for good (tried on one synthetic archive).
                Initialisation.normal(parameter, deviation: 0.003, seed: seed, name: name + ".weight")
            }
        }
        decoder.start(seed: seed, prefix: "decoder")
        projection?.forEachParameter("proj_head") { name, parameter in
            if parameter.shape.count == 2, !parameter.isBuffer {
                Initialisation.normal(parameter, deviation: 0.02, seed: seed, name: name)
            }
        }
        if let projection { projectionTeacher?.follow(projection, share: 0) }
    }

    /// `images` is N,H,W,3.
    public func features(_ images: Tensor, _ pass: ForwardPass) throws -> Features {
        let seen = try encoder(
            images, pass, watching: configuration.encoder.depth + configuration.auxiliaryLayer)
        let (height, width) = seen.grid
        let shape = [images.shape[0], height, width, configuration.encoder.width]
        func map(_ tokens: Tensor) throws -> Tensor {
            try pass.reshaped(pass.tokens(tokens, 1..<height * width + 1), to: shape)
        }
        return Features(
            classToken: try pass.reshaped(pass.tokens(seen.tokens, 0..<1), to: [shape[0], shape[3]]),
            map: try map(seen.tokens), auxiliary: try map(seen.watched ?? seen.tokens))
    }

    /// The logit that an image shows the finding, N,1, by the configuration's pooling.
    public func classLogits(_ map: Tensor, _ pass: ForwardPass, auxiliary: Bool = false) throws -> Tensor {
        let weight = auxiliary ? auxiliaryClassifier : classifier
        let (exact, images) = (Self.exact(pass), map.shape[0])
        switch configuration.pooling {
        case .maximum:
            let pooled = try pass.reshaped(pass.globalMaxPool(map), to: [images, map.shape[3]])
            return try exact.linear(pooled, weight: weight)
        case .topPatches:
            let patches = map.shape[1] * map.shape[2]
            let logits = try exact.reshaped(exact.linear(map, weight: weight), to: [images * patches, 1])
            let count = max(1, Int(configuration.pooledShare * Double(patches)))
            let ranked = logits.withValues { logits in
                (0..<images).map { Self.ranked(logits, in: $0 * patches..<($0 + 1) * patches) }
            }
            func mean(_ chosen: [Int]) throws -> Tensor {
                try exact.globalAveragePool(
                    exact.reshaped(exact.gathered(logits, rows: chosen), to: [images, count, 1, 1]))
            }
            let highest = try mean(ranked.flatMap { $0.prefix(count) })
            guard configuration.lowestWeight > 0 else { return highest }
            let lowest = try mean(ranked.flatMap { $0.suffix(count) })
            return try exact.sum(highest, exact.scaled(lowest, by: Float(configuration.lowestWeight)))
        }
    }

    /// Places by falling numbers; of equal ones the first comes first.
    private static func ranked(_ numbers: UnsafeBufferPointer<Float>, in range: Range<Int>) -> [Int] {
        range.sorted { (-numbers[$0], $0) < (-numbers[$1], $1) }
    }

    /// The classifiers are next to nothing beside the encoder: inference computes them in fp32 whatever it has encoded in.
    private static func exact(_ pass: ForwardPass) -> ForwardPass {
        pass.isInference ? ForwardPass(.evaluation) : pass
    }

    /// The classifiers on each patch.
    public func activationMaps(_ features: Features, _ pass: ForwardPass) throws -> ActivationMaps {
        let pass = Self.exact(pass)
        return ActivationMaps(
            main: try pass.linear(features.map, weight: classifier),
            auxiliary: try pass.linear(features.auxiliary, weight: auxiliaryClassifier))
    }

    /// Logits of background and foreground for each patch, N,h,w,2.
    public func segmentation(_ map: Tensor, _ pass: ForwardPass) throws -> Tensor { try decoder(map, pass) }

    /// Takes over a checkpoint of the whole network, or of its encoder alone where `encoderOnly` (timm's or DeiT's
    /// names). Classifying heads of the encoder are left out, as are projection heads where this network has none.
    ///
    /// Returns the names left out. Throws `ParameterError.missingTensors` where the rest does not fit.
    @discardableResult
    public func loadCheckpoint(_ set: ParameterSet, encoderOnly: Bool = false) throws -> [String] {
        if encoderOnly { return try encoder.loadPretrained(set) }
        var unused = VisionTransformer.headPrefixes.map { "encoder." + $0 }
        if projection == nil { unused += ["proj_head.", "proj_head_t."] }
        let leftOut = set.entries.filter { entry in unused.contains(where: entry.name.hasPrefix) }.map(\.name)
        try load(ParameterSet(entries: set.entries.filter { !leftOut.contains($0.name) }))
        return leftOut
    }

    public func forEachParameter(_ prefix: String, _ body: (String, Parameter) throws -> Void) rethrows {
        try encoder.forEachParameter(joinedName(prefix, "encoder"), body)
        try body(joinedName(prefix, "classifier.weight"), classifier)
        try body(joinedName(prefix, "aux_classifier.weight"), auxiliaryClassifier)
        try decoder.forEachParameter(joinedName(prefix, "decoder"), body)
        try projection?.forEachParameter(joinedName(prefix, "proj_head"), body)
        try projectionTeacher?.forEachParameter(joinedName(prefix, "proj_head_t"), body)
    }
}
