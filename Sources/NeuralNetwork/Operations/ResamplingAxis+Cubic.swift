extension ResamplingAxis {
    /// Cubic convolution (Keys 1981) with the slope −0.75 at distance one and ends that fall on each other: what the
    /// reference brings position embeddings to another grid with. Taps beyond an end read the number at that end.
    package static func cubic(from sources: Int, to results: Int) -> ResamplingAxis {
        let step = Float(sources) / Float(results)
        let slope: Float = -0.75
        /// The kernel at a distance below one, and between one and two.
        func near(_ d: Float) -> Float { ((slope + 2) * d - (slope + 3)) * d * d + 1 }
        func far(_ d: Float) -> Float { ((slope * d - 5 * slope) * d + 8 * slope) * d - 4 * slope }
        return ResamplingAxis(
            sources: sources,
            taps: (0..<results).map { result in
                let place = step * (Float(result) + 0.5) - 0.5
                let lower = place.rounded(.down)
                let share = place - lower
                let first = Int(lower)
                guard share > 0 else { return [(min(max(0, first), sources - 1), 1)] }
                let weights = [far(share + 1), near(share), near(1 - share), far(2 - share)]
                return weights.enumerated().map { (min(max(0, first - 1 + $0.offset), sources - 1), $0.element) }
            })
    }
}

extension ForwardPass {
    /// Bicubic interpolation of N,H,W,C, corners not aligned (see `ResamplingAxis.cubic`).
    public func resizedCubically(_ x: Tensor, height: Int, width: Int) throws -> Tensor {
        guard x.shape.count == 4, x.count > 0, height > 0, width > 0 else {
            throw EngineError(
                .shapeMismatch, "a tensor of \(x.shape) (N,H,W,C) cannot be brought to \(height)×\(width) pixels")
        }
        return try resampled(
            x, rows: .cubic(from: x.shape[1], to: height), columns: .cubic(from: x.shape[2], to: width))
    }
}
