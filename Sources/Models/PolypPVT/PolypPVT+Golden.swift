import NeuralNetwork

extension GoldenCheck {
    /// Polyp-PVT with PVTv2-B2: stages and both outputs at the sizes that `wanted` names, and one training step without
    /// drop path.
    func polypPVT(wanted: Set<String>) throws -> [String: [Float]] {
        var made: [String: [Float]] = [:]
        let network = try PolypPVT(.b2, dropPath: 0, seed: nil)
        GoldenFormula.fill(network)
        for size in [224, 352] where wanted.contains("\(size).p1") {
            let images = try GoldenFormula.images(
                "input.polyp_pvt.\(size)" + inputSuffix, count: 1, height: size, width: size)
            let outputs = try network(images, ForwardPass(.evaluation, precision: precision))
            for (index, stage) in outputs.stages.enumerated() {
                made["\(size).stage\(index + 1)"] = Self.sub(stage.values, shape: stage.shape)
            }
            made["\(size).p1"] = outputs.first.values
            made["\(size).p2"] = outputs.second.values
        }
        guard precision == .float32, wanted.contains("train.loss") else { return made }
        let images = try GoldenFormula.images(
            "input.polyp_pvt.train" + inputSuffix, count: 2, height: 128, width: 128)
        // One channel: N,C,H,W and N,H,W,C are the same order.
        let masks = GoldenFormula.uniform("input.polyp_pvt.mask" + inputSuffix, count: 2 * 128 * 128)
        made["train.loss"] = [
            try SegmentationTrainer.loss(
                of: network, images: images,
                masks: Tensor(masks.map { 2 * $0 > 0.6 ? 1 : 0 }, shape: [2, 128, 128, 1]), seed: 0, precision: .float32)
        ]
        network.forEachParameter("") { name, parameter in
            if let gradient = parameter.gradientValues { made["train.grad_norm." + name] = [Self.norm(gradient)] }
        }
        return made
    }
}
