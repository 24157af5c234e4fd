import NeuralNetwork

extension GoldenCheck {
    /// EfficientNet-Lite0 in inference at the sizes that `wanted` names; one training step, with the batch's statistics and
    /// with the running ones.
    func efficientNetLite0(wanted: Set<String>) throws -> [String: [Float]] {
        var made: [String: [Float]] = [:]
        let network = try EfficientNetLite(.efficientNetLite0, classes: 1000, seed: nil)
        GoldenFormula.fill(network)
        for size in [224, 320] where wanted.contains("\(size).features") {
            try inference(network, input: "input.efficientnet_lite0.\(size)", size: size, into: &made)
        }
        guard precision == .float32 else { return made }
        _ = try step(network, mode: "frozen", into: &made)
        let trained = try step(network, mode: "train", into: &made)
        made["train.features"] = trained.features.values
        made["train.logits"] = trained.logits?.values
        return made
    }

    /// The same with the published weights, in inference.
    func efficientNetLite0OfImageNet() throws -> [String: [Float]] {
        guard let weights else {
            throw EngineError(
                .invalidOption, "golden efficientnet_lite0_imagenet needs the published weights: see `endoked weights`")
        }
        var made: [String: [Float]] = [:]
        let network = try EfficientNetLite(.efficientNetLite0, classes: 1000, seed: nil)
        try network.load(weights)
        try inference(network, input: "input.efficientnet_lite0_imagenet.224", size: 224, into: &made)
        let logits = made["224.logits"] ?? []
        made["224.top5"] = logits.indices.sorted { (logits[$1], $0) < (logits[$0], $1) }.prefix(5).map(Float.init)
        return made
    }

    private func inference(
        _ network: EfficientNetLite, input: String, size: Int, into made: inout [String: [Float]]
    ) throws {
        let images = try GoldenFormula.images(input + inputSuffix, count: 1, height: size, width: size)
        let seen = try network.activations(images, ForwardPass(.evaluation, precision: precision))
        made["\(size).stem"] = Self.sub(seen.stem.values, shape: seen.stem.shape)
        for block in [0, 5, 10, 15] {
            made["\(size).block\(block)"] = Self.sub(seen.blocks[block].values, shape: seen.blocks[block].shape)
        }
        made["\(size).head"] = Self.sub(seen.head.values, shape: seen.head.shape)
        made["\(size).features"] = seen.features.values
        made["\(size).logits"] = seen.logits?.values
    }

    private func step(
        _ network: EfficientNetLite, mode: String, into made: inout [String: [Float]]
    ) throws -> EfficientNetLite.Activations {
        network.freezesBatchNorm = mode == "frozen"
        network.clearGradients()
        let images = try GoldenFormula.images(
            "input.efficientnet_lite0.train" + inputSuffix, count: 4, height: 96, width: 96)
        let tape = Tape()
        let seen = try network.activations(images, ForwardPass(.training, recordingOn: tape))
        guard let logits = seen.logits else { return seen }
        let loss = try Loss.crossEntropy(logits, classes: [0, 1, 2, 3])
        try tape.backward(from: [(logits, loss.gradient)])
        made["\(mode).loss"] = [loss.value]
        network.forEachParameter("") { name, parameter in
            if let gradient = parameter.gradientValues {
                made["\(mode).grad_norm." + name] = [Self.norm(gradient)]
                if name == "_conv_stem.weight" { made["\(mode).grad." + name] = gradient }
            }
            if name.hasPrefix("_bn0.running") { made["\(mode)." + name] = parameter.values }
        }
        return seen
    }
}
