import COneDNN

extension ForwardPass {
    /// x · factors, where `factors` has one number for each channel of an image: N,1,1,C.
    public func product(_ x: Tensor, perChannel factors: Tensor) throws -> Tensor {
        guard x.shape.count == 4, factors.shape == [x.shape[0], 1, 1, x.shape[3]] else {
            throw EngineError(
                .shapeMismatch, "factors of \(factors.shape) are not N,1,1,C of a tensor of \(x.shape) (N,H,W,C)")
        }
        let (x, factors) = (try float32(x), try float32(factors))
        let (n, pixels, channels) = (Int64(x.shape[0]), Int64(x.shape[1] * x.shape[2]), Int64(x.shape[3]))
        let y = try Tensor(shape: x.shape)
        nn_scale_channels(x.pointer, factors.pointer, y.pointer, n, pixels, channels)
        let tape = records([x, factors])
        tape?.record(y) { gradient in
            if factors.needsGradient {
                let sums = try Tensor(shape: factors.shape)
                nn_channel_products(x.pointer, gradient.pointer, sums.pointer, n, pixels, channels)
                tape?.accumulate(sums, for: factors)
            }
            nn_scale_channels(gradient.pointer, factors.pointer, gradient.pointer, n, pixels, channels)
            tape?.accumulate(gradient, for: x)
        }
        return y
    }

    /// x · factors, where `factors` has one number for each pixel: N,H,W,1.
    public func product(_ x: Tensor, perPixel factors: Tensor) throws -> Tensor {
        guard !x.shape.isEmpty, factors.shape == Array(x.shape.dropLast()) + [1], x.count > 0 else {
            throw EngineError(
                .shapeMismatch, "factors of \(factors.shape) are not N,H,W,1 of a tensor of \(x.shape) (N,H,W,C)")
        }
        let (x, factors) = (try float32(x), try float32(factors))
        let (rows, channels) = (Int64(factors.count), Int64(x.count / factors.count))
        let y = try Tensor(shape: x.shape)
        nn_scale_pixels(x.pointer, factors.pointer, y.pointer, rows, channels)
        let tape = records([x, factors])
        tape?.record(y) { gradient in
            if factors.needsGradient {
                let sums = try Tensor(shape: factors.shape)
                nn_pixel_products(x.pointer, gradient.pointer, sums.pointer, rows, channels)
                tape?.accumulate(sums, for: factors)
            }
            nn_scale_pixels(gradient.pointer, factors.pointer, gradient.pointer, rows, channels)
            tape?.accumulate(gradient, for: x)
        }
        return y
    }
}
