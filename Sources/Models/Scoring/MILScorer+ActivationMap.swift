import NeuralNetwork

extension MILScorer {
    /// Grad-CAM (Selvaraju et al. 2017) of the student's class 1 on the encoder's last layer: channel weights are the
    /// spatial mean of the logit's gradient, the map is ReLU(Σ weight · channel), or, where it is so asked, Σ weight · channel.
    ///
    /// Between the last layer and the logit lies only the mean over positions, so the gradient at each position is
    /// that of the feature divided by the number of positions, and so is its mean: no backward pass through the
    /// encoder is needed. `rgb` is one image of any size from 32 pixels a side.
    public func activationMap(
        rgb: [UInt8], height: Int, width: Int, keepsNegative: Bool = false
    ) throws -> ActivationMap {
        guard height >= 32, width >= 32, rgb.count == height * width * 3 else {
            throw EngineError(
                .shapeMismatch, "\(rgb.count) bytes are not an image of \(height)×\(width)×3 (32 pixels a side or more)")
        }
        let image = try rgb.withUnsafeBytes { bytes in
            try Tensor.images(
                rgb: bytes, shape: [1, height, width, 3], normalisation: normalisation, precision: precision)
        }
        return try network { network in
            let pass = pass
            let last = try network.encoder.lastMaps(image, pass)
            let features = try pass.globalAveragePool(last)
            let (rows, columns, channels) = (last.shape[1], last.shape[2], last.shape[3])
            let gradient = try network.student.gradient(ofClass1At: features, pass)
            let weights = gradient.map { $0 / Float(rows * columns) }
            let values = last.withValues { last in
                (0..<rows * columns).map { position in
                    var sum: Float = 0
                    for channel in 0..<channels { sum += weights[channel] * last[position * channels + channel] }
                    return keepsNegative ? sum : max(0, sum)
                }
            }
            return ActivationMap(
                height: rows, width: columns, values: values,
                studentProbability: MILLosses.positiveProbabilities(try network.student(features, pass))[0])
        }
    }
}
