import COneDNN

extension ForwardPass {
    /// A parameter's numbers as a tensor, through which gradients reach it. Buffers learn nothing.
    public func value(of parameter: Parameter) throws -> Tensor {
        let y = try Tensor(parameter.value.values, shape: parameter.shape)
        guard !parameter.isBuffer else { return y }
        let tape = records([], parameters: true)
        tape?.record(y, parameters: [parameter]) { gradient in try parameter.accumulateGradient(gradient.pointer) }
        return y
    }

    /// The sequence that a vision transformer reads: `first` (1,1,C) before the patches (B,P,C) of each image, and
    /// `positions` (1,P + 1,C) added to all.
    public func tokens(first: Tensor, patches: Tensor, positions: Tensor) throws -> Tensor {
        guard patches.shape.count == 3, first.shape == [1, 1, patches.shape[2]],
            positions.shape == [1, patches.shape[1] + 1, patches.shape[2]]
        else {
            throw EngineError(
                .shapeMismatch,
                "a first token of \(first.shape), patches of \(patches.shape) and positions of \(positions.shape) make no sequence")
        }
        let patches = try float32(patches)
        let (images, count, width) = (patches.shape[0], patches.shape[1], patches.shape[2])
        let y = try Tensor(shape: [images, count + 1, width])
        for image in 0..<images {
            let row = y.pointer + image * (count + 1) * width
            row.update(from: first.pointer, count: width)
            (row + width).update(from: patches.pointer + image * count * width, count: count * width)
            nn_add(row, positions.pointer, Int64((count + 1) * width))
        }
        let tape = records([first, patches, positions])
        tape?.record(y) { gradient in
            if first.needsGradient {
                let d = try Tensor.zeros(first.shape)
                for image in 0..<images {
                    nn_add(d.pointer, gradient.pointer + image * (count + 1) * width, Int64(width))
                }
                tape?.accumulate(d, for: first)
            }
            if positions.needsGradient {
                let d = try Tensor.zeros(positions.shape)
                for image in 0..<images {
                    nn_add(d.pointer, gradient.pointer + image * d.count, Int64(d.count))
                }
                tape?.accumulate(d, for: positions)
            }
            if patches.needsGradient {
                tape?.accumulate(try Self.cut(gradient, 1..<count + 1), for: patches)
            }
        }
        return y
    }

    /// Tokens `range` of each image's sequence: B,N,C to B,range,C.
    public func tokens(_ x: Tensor, _ range: Range<Int>) throws -> Tensor {
        guard x.shape.count == 3, !range.isEmpty, range.lowerBound >= 0, range.upperBound <= x.shape[1] else {
            throw EngineError(.shapeMismatch, "tokens \(range) cannot be taken from a tensor of \(x.shape) (B,N,C)")
        }
        let x = try float32(x)
        let y = try Self.cut(x, range)
        let tape = records([x])
        tape?.record(y) { gradient in
            let dx = try Tensor.zeros(x.shape)
            let (size, width) = (range.count * x.shape[2], x.shape[2])
            for image in 0..<x.shape[0] {
                (dx.pointer + (image * x.shape[1] + range.lowerBound) * width)
                    .update(from: gradient.pointer + image * size, count: size)
            }
            tape?.accumulate(dx, for: x)
        }
        return y
    }

    private static func cut(_ x: Tensor, _ range: Range<Int>) throws -> Tensor {
        let (images, width) = (x.shape[0], x.shape[2])
        let y = try Tensor(shape: [images, range.count, width])
        for image in 0..<images {
            (y.pointer + image * range.count * width)
                .update(from: x.pointer + (image * x.shape[1] + range.lowerBound) * width, count: range.count * width)
        }
        return y
    }

    /// Each row of the last dimension divided by its Euclidean length, or by `epsilon` where that is longer.
    public func normalisedLength(_ x: Tensor, epsilon: Float = 1e-12) throws -> Tensor {
        guard let width = x.shape.last, x.count > 0 else {
            throw EngineError(.shapeMismatch, "a tensor of \(x.shape) has no rows to normalise")
        }
        let x = try float32(x)
        let rows = Int64(x.count / width)
        let y = try Tensor(shape: x.shape)
        let lengths = try PooledMemory(bytes: x.count / width * 4)
        nn_normalise_length(x.pointer, y.pointer, lengths.floats, rows, Int64(width), epsilon)
        let tape = records([x])
        tape?.record(y) { gradient in
            nn_normalise_length_backward(
                y.pointer, lengths.floats, gradient.pointer, gradient.pointer, rows, Int64(width), epsilon)
            tape?.accumulate(gradient, for: x)
        }
        return y
    }

    /// The cosines between all rows of each image's matrix: B,N,C to B,N,N.
    public func cosineSimilarities(_ x: Tensor, epsilon: Float = 1e-8) throws -> Tensor {
        let normalised = try normalisedLength(x, epsilon: epsilon)
        return try batchedMatmul(normalised, normalised, transposingB: true)
    }
}
