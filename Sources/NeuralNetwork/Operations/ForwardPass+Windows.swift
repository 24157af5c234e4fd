import COneDNN

extension ForwardPass {
    /// The windows of `size` × `size` pixels that cover a feature map: N,H,W,C to N · windows, size², C, row by row.
    ///
    /// Where the map is no multiple of the window, pixels beyond its last row and column are `padding` (C numbers),
    /// or zero.
    public func windows(_ x: Tensor, size: Int, padding: Tensor? = nil) throws -> Tensor {
        guard x.shape.count == 4, x.count > 0, size > 0, padding == nil || padding?.count == x.shape[3] else {
            throw EngineError(
                .shapeMismatch,
                "windows of \(size) cannot be cut from a tensor of \(x.shape) (N,H,W,C)"
                    + (padding.map { " with a padding of \($0.shape)" } ?? ""))
        }
        let (n, h, w, c) = (x.shape[0], x.shape[1], x.shape[2], x.shape[3])
        let padding = try padding?.converted(to: x.precision)
        let y = try Self.cut(x, size: size, padding: padding)
        let tape = records(padding.map { [x, $0] } ?? [x])
        tape?.record(y) { gradient in
            if let padding, padding.needsGradient {
                let sums = try Tensor(shape: padding.shape)
                nn_window_padding_sums(
                    gradient.pointer, sums.pointer, Int64(n), Int64(h), Int64(w), Int64(size), Int64(c))
                tape?.accumulate(sums, for: padding)
            }
            tape?.accumulate(try Self.join(gradient, size: size, shape: x.shape), for: x)
        }
        return y
    }

    /// A feature map of `shape` (N,H,W,C) from its windows; what lies beyond it is left out.
    public func unwindowed(_ x: Tensor, size: Int, shape: [Int]) throws -> Tensor {
        guard shape.count == 4, size > 0, x.count == Self.windowed(shape, size).reduce(1, *), x.count > 0 else {
            throw EngineError(
                .shapeMismatch, "windows of \(size) in a tensor of \(x.shape) do not cover a map of \(shape) (N,H,W,C)")
        }
        let y = try Self.join(x, size: size, shape: shape)
        let tape = records([x])
        tape?.record(y) { gradient in
            let dx = try Self.cut(gradient, size: size, padding: nil)
            tape?.accumulate(try Tensor(sharing: dx, shape: x.shape), for: x)
        }
        return y
    }

    private static func windowed(_ shape: [Int], _ size: Int) -> [Int] {
        [shape[0] * ((shape[1] + size - 1) / size) * ((shape[2] + size - 1) / size), size * size, shape[3]]
    }

    private static func cut(_ x: Tensor, size: Int, padding: Tensor?) throws -> Tensor {
        let y = try Tensor(shape: windowed(x.shape, size), precision: x.precision)
        nn_windows(
            x.memory.base, y.memory.base, padding?.memory.base, Int64(x.shape[0]), Int64(x.shape[1]), Int64(x.shape[2]),
            Int64(size), Int64(x.shape[3] * x.precision.bytes))
        return y
    }

    private static func join(_ x: Tensor, size: Int, shape: [Int]) throws -> Tensor {
        let y = try Tensor(shape: shape, precision: x.precision)
        nn_unwindow(
            x.memory.base, y.memory.base, Int64(shape[0]), Int64(shape[1]), Int64(shape[2]), Int64(size),
            Int64(shape[3] * x.precision.bytes))
        return y
    }
}
