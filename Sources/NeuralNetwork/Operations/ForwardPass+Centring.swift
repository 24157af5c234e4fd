extension ForwardPass {
    /// `x` in the middle of a map of zeros of `height` × `width`: N,H,W,C to N,height,width,C, in fp32. Of an odd number of
    /// rows or columns to be added, the odd one lies behind.
    public func centred(_ x: Tensor, height: Int, width: Int) throws -> Tensor {
        guard x.shape.count == 4, x.count > 0, height >= x.shape[1], width >= x.shape[2] else {
            throw EngineError(.shapeMismatch, "a tensor of \(x.shape) has no place in a map of \(height)×\(width)")
        }
        guard height != x.shape[1] || width != x.shape[2] else { return x }
        let x = try float32(x)
        let (n, h, w, c) = (x.shape[0], x.shape[1], x.shape[2], x.shape[3])
        let start = (height - h) / 2 * width + (width - w) / 2
        /// Where the rows of the smaller map begin in both, counted in numbers.
        func forEachRow(_ body: (_ small: Int, _ large: Int) -> Void) {
            for image in 0..<n {
                for row in 0..<h {
                    body((image * h + row) * w * c, (image * height * width + start + row * width) * c)
                }
            }
        }
        let y = try Tensor.zeros([n, height, width, c])
        forEachRow { small, large in (y.pointer + large).update(from: x.pointer + small, count: w * c) }
        let tape = records([x])
        tape?.record(y) { gradient in
            let dx = try Tensor(shape: x.shape)
            forEachRow { small, large in (dx.pointer + small).update(from: gradient.pointer + large, count: w * c) }
            tape?.accumulate(dx, for: x)
        }
        return y
    }
}
