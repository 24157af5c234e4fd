import NeuralNetwork

extension GoldenCheck {
    /// ToCo with ViT-B/16 at the sizes that `wanted` names; pixel-adaptive refinement and two losses with their
    /// gradients, which are fp32 in either precision.
    func toCo(wanted: Set<String>) throws -> [String: [Float]] {
        var made: [String: [Float]] = [:]
        try toCoParts(into: &made)
        let sizes = [224, 448].filter { wanted.contains("\($0).cls") }
        guard !sizes.isEmpty else { return made }
        var configuration = ToCoConfiguration()
        configuration.hasProjections = false
        let network = try ToCoNetwork(configuration, seed: nil)
        GoldenFormula.fill(network)
        let pass = ForwardPass(.evaluation, precision: precision)
        for size in sizes {
            let images = try GoldenFormula.images(
                "input.toco.\(size)" + inputSuffix, count: 1, height: size, width: size)
            let features = try network.features(images, pass)
            let maps = try network.activationMaps(features, pass)
            made["\(size).cls"] = try network.classLogits(features.map, pass).values
            made["\(size).aux_cls"] = try network.classLogits(features.auxiliary, pass, auxiliary: true).values
            made["\(size).fmap"] = Self.sub(features.map.values, shape: features.map.shape)
            made["\(size).cam"] = maps.main.values
            made["\(size).cam_aux"] = maps.auxiliary.values
            made["\(size).seg"] = Self.planes(try network.segmentation(features.map, pass))
            guard wanted.contains("\(size).multiscale_cam") else { continue }
            let gathered = try MultiScaleMaps.training(network, images, pass).maps
            made["\(size).multiscale_cam"] = gathered.main.values
            made["\(size).multiscale_cam_aux"] = gathered.auxiliary.values
        }
        return made
    }

    private func toCoParts(into made: inout [String: [Float]]) throws {
        let pass = ForwardPass(.evaluation)
        let masks = try pass.softmax(
            GoldenFormula.images("input.par.mask" + inputSuffix, count: 1, channels: 2, height: 32, width: 40))
        let image = try GoldenFormula.images("input.par" + inputSuffix, count: 1, height: 64, width: 80)
        made["par.refined"] = Self.planes(try PixelAdaptiveRefinement()(images: image, masks: masks))

        let labels = (0..<2 * 6 * 6).map { place -> UInt8 in
            let label = 7 * place % 5 % 3
            return label == 2 ? ToCoLosses.ignored : UInt8(label)
        }
        let tape = Tape()
        let recording = ForwardPass(.training, recordingOn: tape)
        let tokens = try GoldenFormula.images("input.ptc" + inputSuffix, count: 2, channels: 16, height: 6, width: 6)
        tape.watch(tokens)
        let cosines = try recording.cosineSimilarities(recording.reshaped(tokens, to: [2, 36, 16]))
        let contrast = try ToCoLosses.patchContrast(cosines, labels: labels)
        try tape.backward(from: [(cosines, contrast.gradient)])
        made["ptc.loss"] = [contrast.value]
        made["ptc.grad"] = tape.gradient(of: tokens).map(Self.planes)

        let logits = try GoldenFormula.images("input.seg" + inputSuffix, count: 2, channels: 2, height: 6, width: 6)
        let segmentation = try ToCoLosses.segmentation(logits, labels: labels)
        made["seg_loss.loss"] = [segmentation.value]
        made["seg_loss.grad"] = Self.planes(segmentation.gradient)
    }

    /// N,H,W,C in the reference's order, N,C,H,W.
    static func planes(_ x: Tensor) -> [Float] { sub(x.values, shape: x.shape, k: x.count) }
}
