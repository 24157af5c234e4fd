import COneDNN

extension ForwardPass {
    /// Tensors that differ in their last dimension only, side by side along it.
    public func concatenatedChannels(_ parts: [Tensor]) throws -> Tensor {
        guard let first = parts.first, parts.allSatisfy({ $0.shape.dropLast() == first.shape.dropLast() }) else {
            throw EngineError(.shapeMismatch, "shapes \(parts.map(\.shape)) cannot be joined along the last dimension")
        }
        let parts = try parts.map(float32)
        let widths = parts.map { $0.shape.last ?? 1 }
        let width = widths.reduce(0, +)
        let rows = first.shape.dropLast().reduce(1, *)
        let y = try Tensor(shape: first.shape.dropLast() + [width])
        let starts = widths.indices.map { widths.prefix($0).reduce(0, +) }
        for (part, (count, start)) in zip(parts, zip(widths, starts)) {
            nn_copy_channels(part.pointer, Int64(count), y.pointer + start, Int64(width), Int64(rows), Int64(count))
        }
        let tape = records(parts)
        tape?.record(y) { gradient in
            for (part, (count, start)) in zip(parts, zip(widths, starts)) where part.needsGradient {
                let dx = try Tensor(shape: part.shape)
                nn_copy_channels(
                    gradient.pointer + start, Int64(width), dx.pointer, Int64(count), Int64(rows), Int64(count))
                tape?.accumulate(dx, for: part)
            }
        }
        return y
    }

    /// The channels `range` of `x`, copied.
    public func channels(_ x: Tensor, _ range: Range<Int>) throws -> Tensor {
        let width = x.shape.last ?? 1
        guard !range.isEmpty, range.lowerBound >= 0, range.upperBound <= width else {
            throw EngineError(.shapeMismatch, "channels \(range) lie outside a tensor of \(x.shape)")
        }
        let x = try float32(x)
        let rows = Int64(x.count / width)
        let y = try Tensor(shape: x.shape.dropLast() + [range.count])
        nn_copy_channels(
            x.pointer + range.lowerBound, Int64(width), y.pointer, Int64(range.count), rows, Int64(range.count))
        let tape = records([x])
        tape?.record(y) { gradient in
            let dx = try Tensor.zeros(x.shape)
            nn_copy_channels(
                gradient.pointer, Int64(range.count), dx.pointer + range.lowerBound, Int64(width), rows,
                Int64(range.count))
            tape?.accumulate(dx, for: x)
        }
        return y
    }

    /// The mean over channels: N,H,W,C to N,H,W,1.
    public func channelMean(_ x: Tensor) throws -> Tensor {
        let x = try float32(x)
        let (rows, channels) = try Self.rowsAndChannels(x)
        let y = try Tensor(shape: x.shape.dropLast() + [1])
        nn_channel_mean(x.pointer, y.pointer, rows, channels)
        let tape = records([x])
        tape?.record(y) { gradient in
            let dx = try Tensor(shape: x.shape)
            nn_channel_mean_backward(gradient.pointer, dx.pointer, rows, channels)
            tape?.accumulate(dx, for: x)
        }
        return y
    }

    /// The maximum over channels: N,H,W,C to N,H,W,1. The first of equal numbers gets the gradient.
    public func channelMaximum(_ x: Tensor) throws -> Tensor {
        let x = try float32(x)
        let (rows, channels) = try Self.rowsAndChannels(x)
        let y = try Tensor(shape: x.shape.dropLast() + [1])
        let winners = try PooledMemory(bytes: y.count * 4)
        nn_channel_max(x.pointer, y.pointer, winners.integers, rows, channels)
        let tape = records([x])
        tape?.record(y) { gradient in
            let dx = try Tensor(shape: x.shape)
            nn_channel_max_backward(gradient.pointer, winners.integers, dx.pointer, rows, channels)
            tape?.accumulate(dx, for: x)
        }
        return y
    }

    /// The maximum over height and width: N,H,W,C to N,1,1,C. The first of equal numbers gets the gradient.
    public func globalMaxPool(_ x: Tensor) throws -> Tensor {
        guard x.shape.count == 4, x.count > 0 else {
            throw EngineError(.shapeMismatch, "global max pooling cannot read a tensor of \(x.shape) (N,H,W,C)")
        }
        let x = try float32(x)
        let (n, pixels, channels) = (Int64(x.shape[0]), Int64(x.shape[1] * x.shape[2]), Int64(x.shape[3]))
        let y = try Tensor(shape: [x.shape[0], 1, 1, x.shape[3]])
        let winners = try PooledMemory(bytes: y.count * 4)
        nn_global_max(x.pointer, y.pointer, winners.integers, n, pixels, channels)
        let tape = records([x])
        tape?.record(y) { gradient in
            let dx = try Tensor(shape: x.shape)
            nn_global_max_backward(gradient.pointer, winners.integers, dx.pointer, n, pixels, channels)
            tape?.accumulate(dx, for: x)
        }
        return y
    }

    /// The mean over height and width, N,1,1,C.
    public func globalMeanPool(_ x: Tensor) throws -> Tensor {
        try reshaped(globalAveragePool(float32(x)), to: [x.shape[0], 1, 1, x.shape[3]])
    }

    private static func rowsAndChannels(_ x: Tensor) throws -> (Int64, Int64) {
        guard let channels = x.shape.last, x.count > 0 else {
            throw EngineError(.shapeMismatch, "a tensor of \(x.shape) has no channels")
        }
        return (Int64(x.count / channels), Int64(channels))
    }
}

extension PooledMemory {
    var integers: UnsafeMutablePointer<Int32> { base.assumingMemoryBound(to: Int32.self) }
}
