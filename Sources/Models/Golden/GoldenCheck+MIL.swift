import NeuralNetwork

extension GoldenCheck {
    /// The three heads of the MIL network on a bag of twelve feature vectors: in
    /// inference, and one training step of the teachers without dropout.
    func milHeads() throws -> [String: [Float]] {
        var made: [String: [Float]] = [:]
        let network = try MILNetwork(MILConfiguration(dropout: 0), seed: 0)
        GoldenFormula.fill(network)
        let bag = try GoldenFormula.vectors("input.mil" + inputSuffix, shape: [12, 512])

        let pass = ForwardPass(.evaluation, precision: precision)
        let attention = try network.attention(bag, pass)
        made["attention.eval.bag"] = attention.bagLogits.values
        made["attention.eval.scores"] = attention.scores.values
        made["attention.eval.attention"] = attention.weights.values
        let dsmil = try network.dsmil(bag, pass)
        made["dsmil.eval.bag"] = dsmil.bagLogits.values
        made["dsmil.eval.instances"] = dsmil.instanceLogits.values
        // The reference keeps n, 2 where ours is 2, n.
        let weights = dsmil.attention.values
        made["dsmil.eval.attention"] = (0..<12).flatMap { [weights[$0], weights[12 + $0]] }
        made["student.eval.logits"] = try network.student(bag, pass).values
        guard precision == .float32 else { return made }
        try trainingStep(network, bag, into: &made)
        return made
    }

    private func trainingStep(_ network: MILNetwork, _ bag: Tensor, into made: inout [String: [Float]]) throws {
        let tape = Tape()
        let pass = ForwardPass(.training, recordingOn: tape)
        let attention = try network.attention(bag, pass)
        let attentionLoss = try MILLosses.attention(attention.bagLogits, label: 1)
        let dsmil = try network.dsmil(bag, pass)
        let dsmilLoss = try MILLosses.dsmil(dsmil, label: 1)
        try tape.backward(from: [
            (attention.bagLogits, attentionLoss.gradient), (dsmil.bagLogits, dsmilLoss.bag),
            (dsmil.instanceLogits, dsmilLoss.instances),
        ])
        made["attention.train.loss"] = [attentionLoss.value]
        made["attention.train.scores"] = attention.scores.values
        made["dsmil.train.loss"] = [dsmilLoss.value]
        for (prefix, head) in [("attention", network.attention as any Module), ("dsmil", network.dsmil)] {
            head.forEachParameter("") { name, parameter in
                if let gradient = parameter.gradientValues {
                    made["\(prefix).train.grad_norm.\(name)"] = [Self.norm(gradient)]
                }
            }
        }
    }
}
