import NeuralNetwork

extension GoldenCheck {
    /// torchvision's ResNet-18, in inference, at the sizes that `wanted` names, and one training step.
    func resNet18(wanted: Set<String>) throws -> [String: [Float]] {
        var made: [String: [Float]] = [:]
        let network = try ResNet(.resNet18, classes: 1000, seed: 0)
        GoldenFormula.fill(network)
        for size in [64, 224, 512] where wanted.contains("\(size).features") {
            let images = try GoldenFormula.images(
                "input.resnet18.\(size)" + inputSuffix, count: 2, height: size, width: size)
            let seen = try network.activations(images, ForwardPass(.evaluation, precision: precision))
            made["\(size).stem"] = Self.sub(seen.stem.values, shape: seen.stem.shape)
            for (layer, output) in seen.layers.enumerated() {
                made["\(size).layer\(layer + 1)"] = Self.sub(output.values, shape: output.shape)
            }
            made["\(size).features"] = seen.features.values
            made["\(size).logits"] = seen.logits?.values
        }
        if precision == .float32 { try trainingStep(network, into: &made) }
        return made
    }

    private func trainingStep(_ network: ResNet, into made: inout [String: [Float]]) throws {
        let images = try GoldenFormula.images(
            "input.resnet18.train" + inputSuffix, count: 4, height: 96, width: 96)
        let tape = Tape()
        let seen = try network.activations(images, ForwardPass(.training, recordingOn: tape))
        guard let logits = seen.logits else { return }
        let loss = try Loss.crossEntropy(logits, classes: [0, 1, 2, 3])
        try tape.backward(from: [(logits, loss.gradient)])
        made["train.loss"] = [loss.value]
        network.forEachParameter("") { name, parameter in
            if let gradient = parameter.gradientValues {
                made["train.grad_norm." + name] = [Self.norm(gradient)]
                if name == "conv1.weight" { made["train.grad.conv1.weight"] = gradient }
            }
            if name.hasPrefix("bn1.running") { made["train." + name] = parameter.values }
        }
    }

    static func norm(_ values: [Float]) -> Float {
        Float(values.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot())
    }
}
