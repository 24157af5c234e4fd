import COneDNN

extension ForwardPass {
    /// Stochastic depth (Huang et al. 2016): while training, all numbers of an image (a row of the first dimension)
    /// become zero with the probability given, and those of the others are scaled up by 1/(1 − probability). Which
    /// images depends on the pass's seed and their place in the batch alone. In evaluation, `x` itself.
    public func dropPath(_ x: Tensor, probability: Float) throws -> Tensor {
        guard mode == .training, probability > 0 else { return x }
        guard probability < 1, let images = x.shape.first, x.count > 0 else {
            throw EngineError(
                .invalidOption, "dropping paths of \(x.shape) with probability \(probability): give a number in [0, 1)")
        }
        let seed = nextSeed()
        let factors: [Float] = (0..<images).map { image in
            let drawn = Float(CounterRandom.mixed(seed, at: UInt64(image)) >> 40) * 0x1p-24
            return drawn >= probability ? 1 / (1 - probability) : 0
        }
        let (rows, width) = (Int64(images), Int64(x.count / images))
        let y = try Tensor(shape: x.shape)
        nn_scale_pixels(x.pointer, factors, y.pointer, rows, width)
        let tape = records([x])
        tape?.record(y) { gradient in
            nn_scale_pixels(gradient.pointer, factors, gradient.pointer, rows, width)
            tape?.accumulate(gradient, for: x)
        }
        return y
    }
}
