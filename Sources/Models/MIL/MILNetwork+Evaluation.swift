import NeuralNetwork

extension MILNetwork {
    /// What the network says of a bag: no dropout, running statistics, nothing recorded. `images` is n,H,W,3, any
    /// n from one on, encoded `chunk` at a time.
    public func evaluate(images: Tensor, chunk: Int = 32) throws -> MILEvaluation {
        guard images.shape.count == 4, images.shape[0] > 0, chunk > 0 else {
            throw EngineError(.shapeMismatch, "a bag to evaluate is N,H,W,3 with N ≥ 1; got \(images.shape)")
        }
        let features = try ChunkedEncoding.chunks(of: images.shape[0], size: chunk).map { range in
            try encoder.features(ChunkedEncoding.part(images, range), ForwardPass(.evaluation))
        }
        return try evaluate(features: Tensor.concatenated(features))
    }

    /// The heads alone, on n, features.
    public func evaluate(features: Tensor) throws -> MILEvaluation {
        let pass = ForwardPass(.evaluation)
        return MILEvaluation(
            attention: try MILBagOutput(attention(features, pass)),
            dsmil: try MILBagOutput(dsmil(features, pass)),
            student: MILLosses.positiveProbabilities(try student(features, pass)))
    }
}
