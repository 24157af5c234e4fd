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
        let image = try image(rgb: rgb, height: height, width: width)
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

    /// The student asked at each position: its logits' difference, class 1 minus class 0, for the features of the position alone
    /// instead of their mean over the image. The head was taught by means, but what it knows of a polyp's features holds
    /// for a position that is full of them; its layers are 1×1 convolutions then (Oquab et al., CVPR 2015; Long et al., CVPR
    /// 2015). Unlike a gradient at the mean it does not assume that the head is linear between the two.
    ///
    /// Values may be negative. `rgb` is one image of any size from 32 pixels a side.
    public func localMap(rgb: [UInt8], height: Int, width: Int) throws -> ActivationMap {
        let image = try image(rgb: rgb, height: height, width: width)
        return try network { network in
            let pass = pass
            let last = try network.encoder.lastMaps(image, pass)
            let (rows, columns, channels) = (last.shape[1], last.shape[2], last.shape[3])
            let positions = try pass.reshaped(last, to: [rows * columns, channels])
            let logits = try network.student(positions, pass)
            let values = logits.withValues { logits in
                (0..<rows * columns).map { (position: Int) -> Float in logits[2 * position + 1] - logits[2 * position] }
            }
            let whole = try network.student(pass.globalAveragePool(last), pass)
            return ActivationMap(
                height: rows, width: columns, values: values, studentProbability: MILLosses.positiveProbabilities(whole)[0])
        }
    }

    private func image(rgb: [UInt8], height: Int, width: Int) throws -> Tensor {
        guard height >= 32, width >= 32, rgb.count == height * width * 3 else {
            throw EngineError(
                .shapeMismatch, "\(rgb.count) bytes are not an image of \(height)×\(width)×3 (32 pixels a side or more)")
        }
        return try rgb.withUnsafeBytes { bytes in
            try Tensor.images(rgb: bytes, shape: [1, height, width, 3], normalisation: normalisation, precision: precision)
        }
    }
}
