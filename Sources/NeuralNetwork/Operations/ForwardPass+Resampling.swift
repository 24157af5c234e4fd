import COneDNN

extension ForwardPass {
    /// Bilinear interpolation of N,H,W,C to a height and width given.
    public func resized(_ x: Tensor, height: Int, width: Int, alignsCorners: Bool) throws -> Tensor {
        try Self.checkResizing(x, height: height, width: width)
        return try resampled(
            x, rows: .linear(from: x.shape[1], to: height, alignsCorners: alignsCorners),
            columns: .linear(from: x.shape[2], to: width, alignsCorners: alignsCorners))
    }

    /// The nearest pixel's numbers, as PyTorch's mode "nearest" chooses it.
    public func resizedToNearest(_ x: Tensor, height: Int, width: Int) throws -> Tensor {
        try Self.checkResizing(x, height: height, width: width)
        return try resampled(
            x, rows: .nearest(from: x.shape[1], to: height), columns: .nearest(from: x.shape[2], to: width))
    }

    /// Means over bins that cover N,H,W,C evenly, height × width of them.
    public func adaptiveAveragePool(_ x: Tensor, height: Int, width: Int) throws -> Tensor {
        try Self.checkResizing(x, height: height, width: width)
        return try resampled(
            x, rows: .average(from: x.shape[1], to: height), columns: .average(from: x.shape[2], to: width))
    }

    /// N,H,W,C with other rows and columns, each a weighted sum of those of `x`.
    package func resampled(_ x: Tensor, rows: ResamplingAxis, columns: ResamplingAxis) throws -> Tensor {
        guard x.shape.count == 4, x.shape[1] == rows.sources, x.shape[2] == columns.sources else {
            throw EngineError(
                .shapeMismatch, "resampling from \(rows.sources)×\(columns.sources) cannot read a tensor of \(x.shape)")
        }
        if rows.isIdentity, columns.isIdentity { return x }
        let x = try float32(x)
        let y = try Self.resample(x, rows, columns)
        let tape = records([x])
        tape?.record(y) { gradient in
            tape?.accumulate(try Self.resample(gradient, rows.transposed, columns.transposed), for: x)
        }
        return y
    }

    /// One side after the other, in the order that makes less in between.
    private static func resample(_ x: Tensor, _ rows: ResamplingAxis, _ columns: ResamplingAxis) throws -> Tensor {
        let (n, c) = (x.shape[0], x.shape[3])
        func down(_ x: Tensor) throws -> Tensor {
            try resample(x, along: rows, outer: n, inner: x.shape[2] * c, shape: [n, rows.results, x.shape[2], c])
        }
        func across(_ x: Tensor) throws -> Tensor {
            try resample(x, along: columns, outer: n * x.shape[1], inner: c, shape: [n, x.shape[1], columns.results, c])
        }
        let downFirst = rows.results * columns.sources <= rows.sources * columns.results
        return downFirst ? try across(down(x)) : try down(across(x))
    }

    private static func resample(
        _ x: Tensor, along axis: ResamplingAxis, outer: Int, inner: Int, shape: [Int]
    ) throws -> Tensor {
        let y = try Tensor(shape: shape)
        nn_resample_axis(
            x.pointer, y.pointer, Int64(outer), Int64(axis.sources), Int64(axis.results), Int64(inner), axis.first,
            axis.index, axis.weight)
        return y
    }

    private static func checkResizing(_ x: Tensor, height: Int, width: Int) throws {
        guard x.shape.count == 4, x.count > 0, height > 0, width > 0 else {
            throw EngineError(
                .shapeMismatch, "a tensor of \(x.shape) (N,H,W,C) cannot be brought to \(height)×\(width) pixels")
        }
    }
}
