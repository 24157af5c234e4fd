/// Numbers with a shape, row-major. Images and feature maps are N,H,W,C; vectors N,C. fp32.
///
/// A tensor is written by the operation that makes it and never after. It belongs to the thread that made it.
public final class Tensor {
    /// The extent of each dimension.
    public let shape: [Int]
    /// The product of the extents.
    public let count: Int
    let memory: PooledMemory
    /// Whether a recording pass has to carry gradients back to it.
    public internal(set) var needsGradient = false

    /// A tensor with any content, to be filled by who makes it.
    package init(shape: [Int]) throws {
        self.shape = shape
        count = shape.reduce(1, *)
        memory = try PooledMemory(bytes: max(1, count) * MemoryLayout<Float>.size)
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
        count = shape.reduce(1, *)
        memory = other.memory
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

    package var pointer: UnsafeMutablePointer<Float> { memory.floats }

    /// A copy of the numbers.
    public var values: [Float] { withValues { [Float]($0) } }

    /// The numbers in place, for the duration of `body`.
    public func withValues<Result>(_ body: (UnsafeBufferPointer<Float>) throws -> Result) rethrows -> Result {
        try withExtendedLifetime(self) { try body(UnsafeBufferPointer(start: pointer, count: count)) }
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
        let part = try Tensor(shape: [range.count] + shape.dropFirst())
        part.pointer.update(from: pointer + range.lowerBound * width, count: part.count)
        return part
    }

    /// Tensors with equal trailing dimensions, one after the other.
    public static func concatenated(_ parts: [Tensor]) throws -> Tensor {
        guard let first = parts.first, parts.allSatisfy({ $0.shape.dropFirst() == first.shape.dropFirst() }) else {
            throw EngineError(.shapeMismatch, "shapes \(parts.map(\.shape)) cannot be joined along the first dimension")
        }
        let joined = try Tensor(shape: [parts.reduce(0) { $0 + $1.shape[0] }] + first.shape.dropFirst())
        var place = joined.pointer
        for part in parts {
            place.update(from: part.pointer, count: part.count)
            place += part.count
        }
        return joined
    }
}
