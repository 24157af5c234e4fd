import NeuralNetwork

extension GoldenCheck {
    /// What the golden files of segmentation networks have in common.
    ///
    /// - Parameters:
    ///   - make: the network, to be filled; twice, since a step of training changes its running statistics.
    ///   - look: inner maps and outputs of an inference pass, N,H,W,C, by the reference's names of modules.
    func segmentation<Network: SegmentationNetwork>(
        _ file: String, wanted: Set<String>, make: () throws -> Network,
        look: (Network, Tensor, ForwardPass) throws -> [String: Tensor]
    ) throws -> [String: [Float]] {
        var made: [String: [Float]] = [:]
        let sizes = Set(wanted.compactMap { Int($0.prefix { $0 != "." }) })
        if !sizes.isEmpty {
            let network = try make()
            GoldenFormula.fill(network)
            for size in sizes.sorted() {
                let images = try GoldenFormula.images(
                    "input.\(file).\(size)" + inputSuffix, count: 1, height: size, width: size)
                for (name, tensor) in try look(network, images, ForwardPass(.evaluation, precision: precision)) {
                    keep(tensor, as: "\(size).\(name)", wanted, &made)
                }
            }
        }
        guard precision == .float32 else { return made }
        for mode in ["train", "frozen"] where wanted.contains("\(mode).loss") {
            let network = try make()
            GoldenFormula.fill(network)
            try step(network, file, mode, &made)
        }
        return made
    }

    /// A tensor as the file has it: whole, thinned out, or thinned out beside its statistics.
    private func keep(_ tensor: Tensor, as name: String, _ wanted: Set<String>, _ made: inout [String: [Float]]) {
        let values = tensor.values
        let thin = Self.sub(values, shape: tensor.shape)
        if wanted.contains(name + ".sub") {
            made[name + ".sub"] = thin
            made[name + ".stats"] = Self.statistics(values)
        } else {
            // One channel has one order.
            made[name] = tensor.shape[3] == 1 ? values : thin
        }
    }

    /// One step's loss, gradient norms and running statistics. `frozen`: batch norms by their running statistics.
    private func step(
        _ network: some SegmentationNetwork, _ file: String, _ mode: String, _ made: inout [String: [Float]]
    ) throws {
        let side = 128
        let images = try GoldenFormula.images("input.\(file).train" + inputSuffix, count: 2, height: side, width: side)
        // One channel: N,C,H,W and N,H,W,C are the same order.
        let drawn = GoldenFormula.uniform("input.\(file).mask" + inputSuffix, count: 2 * side * side)
        let masks = try Tensor(drawn.map { 2 * $0 > 0.6 ? 1 : 0 }, shape: [2, side, side, 1])
        let tape = Tape()
        let maps = try network.maps(images, ForwardPass(mode == "train" ? .training : .evaluation, recordingOn: tape))
        let loss = try network.loss(of: maps, masks: masks)
        try tape.backward(from: zip(maps, loss.gradients).map { ($0, $1) })
        made["\(mode).loss"] = [loss.value]
        network.forEachParameter("") { name, parameter in
            if let gradient = parameter.gradientValues { made["\(mode).grad_norm." + name] = [Self.norm(gradient)] }
            if parameter.isBuffer { made["\(mode)." + name] = parameter.values }
        }
    }
}
