import COneDNN

/// Numbers with a shape, row-major. Images and feature maps are N,H,W,C; tokens B,N,C; vectors N,C.
///
/// fp32, but for activations on their way through an inference pass in bf16. Both hold the same memory order.
///
/// A tensor is written by the operation that makes it and never after. It belongs to the thread that made it.
public final class Tensor {
    /// The extent of each dimension.
    public let shape: [Int]
    /// The product of the extents.
    public let count: Int
    public let precision: Precision
    let memory: PooledMemory
    /// The same numbers in bf16, where the operation that made the tensor has written them too.
    var narrow: PooledMemory?
    /// Whether a recording pass has to carry gradients back to it.
    public internal(set) var needsGradient = false

    /// A tensor with any content, to be filled by who makes it.
    package init(shape: [Int], precision: Precision = .float32, pool: MemoryPool = .shared) throws {
        self.shape = shape
        self.precision = precision
        count = shape.reduce(1, *)
        memory = try PooledMemory(bytes: max(1, count) * precision.bytes, pool: pool)
        narrow = precision == .bfloat16 ? memory : nil
    }

    /// Throws `EngineError.shapeMismatch` where `values` do not fill `shape`.
    public convenience init(_ values: [Float], shape: [Int]) throws {
        try self.init(shape: shape)
        guard values.count == count else {
            throw EngineError(.shapeMismatch, "\(values.count) values do not fill a tensor of shape \(shape)")
        }
        values.withUnsafeBufferPointer { source in
            if let base = source.baseAddress { pointer.update(from: base, count: count) }
        }
    }

    /// The same numbers under another shape.
    init(sharing other: Tensor, shape: [Int]) throws {
        self.shape = shape
        precision = other.precision
        count = shape.reduce(1, *)
        memory = other.memory
        narrow = other.narrow
        guard count == other.count else {
            throw EngineError(.shapeMismatch, "a tensor of shape \(other.shape) cannot be seen as \(shape)")
        }
    }

    /// Zeros.
    public static func zeros(_ shape: [Int]) throws -> Tensor {
        let made = try Tensor(shape: shape)
        made.pointer.update(repeating: 0, count: made.count)
        return made
    }

    /// The numbers of an fp32 tensor. Whoever reads it has seen to the precision: `ForwardPass.float32` does.
    package var pointer: UnsafeMutablePointer<Float> {
        assert(precision == .float32, "bf16 numbers read as fp32")
        return memory.floats
    }

    /// A copy of the numbers, in fp32.
    public var values: [Float] { withValues { [Float]($0) } }

    /// The numbers for the duration of `body`: in place where they are fp32.
    public func withValues<Result>(_ body: (UnsafeBufferPointer<Float>) throws -> Result) rethrows -> Result {
        if precision == .bfloat16 {
            let copy = [Float](unsafeUninitializedCapacity: count) { buffer, filled in
                if let base = buffer.baseAddress { nn_from_bf16(memory.halves, base, Int64(count)) }
                filled = count
            }
            return try copy.withUnsafeBufferPointer(body)
        }
        return try withExtendedLifetime(self) { try body(UnsafeBufferPointer(start: pointer, count: count)) }
    }

    /// The numbers in another precision; the tensor itself where it has that precision already.
    public func converted(to precision: Precision) throws -> Tensor {
        guard precision != self.precision else { return self }
        let made = try Tensor(shape: shape, precision: precision)
        switch precision {
        case .float32: nn_from_bf16(memory.halves, made.memory.floats, Int64(count))
        case .bfloat16: nn_to_bf16(memory.floats, made.memory.halves, Int64(count))
        }
        return made
    }

    /// A new tensor that `body` fills completely: for who prepares inputs.
    public static func filled(
        _ shape: [Int], _ body: (UnsafeMutableBufferPointer<Float>) throws -> Void
    ) throws -> Tensor {
        let made = try Tensor(shape: shape)
        try body(UnsafeMutableBufferPointer(start: made.pointer, count: made.count))
        return made
    }

    /// Rows `range` of the first dimension, copied.
    public func rows(_ range: Range<Int>) throws -> Tensor {
        guard let first = shape.first, range.lowerBound >= 0, range.upperBound <= first else {
            throw EngineError(.shapeMismatch, "rows \(range) lie outside a tensor of shape \(shape)")
        }
        let width = first == 0 ? 0 : count / first
        let part = try Tensor(shape: [range.count] + shape.dropFirst(), precision: precision)
        let bytes = precision.bytes
        part.memory.base.copyMemory(
            from: memory.base + range.lowerBound * width * bytes, byteCount: part.count * bytes)
        return part
    }

    /// Tensors with equal trailing dimensions, one after the other.
    public static func concatenated(_ parts: [Tensor]) throws -> Tensor {
        guard let first = parts.first,
            parts.allSatisfy({ $0.shape.dropFirst() == first.shape.dropFirst() && $0.precision == first.precision })
        else {
            throw EngineError(.shapeMismatch, "shapes \(parts.map(\.shape)) cannot be joined along the first dimension")
        }
        let shape = [parts.reduce(0) { $0 + $1.shape[0] }] + first.shape.dropFirst()
        let joined = try Tensor(shape: shape, precision: first.precision)
        var place = joined.memory.base
        for part in parts {
            let bytes = part.count * part.precision.bytes
            place.copyMemory(from: part.memory.base, byteCount: bytes)
            place += bytes
        }
        return joined
    }
}
