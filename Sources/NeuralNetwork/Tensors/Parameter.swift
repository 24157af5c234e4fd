import COneDNN

/// A named part of a model's state: learnt values with their gradient, or a buffer such as a running mean.
///
/// Values keep the reference's layout; operations pack them as they need.
public final class Parameter {
    public let shape: [Int]
    /// A buffer is saved and loaded, but not learnt.
    public let isBuffer: Bool
    private(set) var value: Tensor
    public let count: Int
    private(set) var gradient: Tensor?
    private(set) var gradientIsSet = false
    /// Changes whenever the values do.
    private(set) var version = 0
    let packed: PackedWeights
    /// The values in bf16, in their plain layout, as they were at a version.
    private var narrowed: (memory: PooledMemory, version: Int)?

    /// Zeros, unless filled by an initialisation.
    public init(shape: [Int], repeating number: Float = 0, isBuffer: Bool = false) throws {
        self.shape = shape
        self.isBuffer = isBuffer
        // Of its own, not of the pool of activations: a parameter lives long, and what it lets go is free for others.
        value = try Tensor(shape: shape, pool: .passing)
        count = value.count
        packed = PackedWeights(count: count)
        value.pointer.update(repeating: number, count: value.count)
    }

    /// A copy of the values; none where they were let go.
    public var values: [Float] { value.values }

    /// The values for the duration of `body`, in place.
    package func withValues<Result>(_ body: (UnsafeBufferPointer<Float>) throws -> Result) rethrows -> Result {
        try value.withValues(body)
    }

    /// A copy of the gradient; nil where no backward pass reached the parameter since it was cleared.
    public var gradientValues: [Float]? { gradientIsSet ? gradient?.values : nil }

    /// Changes the values in place.
    package func update<Result>(_ body: (UnsafeMutableBufferPointer<Float>) throws -> Result) rethrows -> Result {
        version += 1
        return try body(UnsafeMutableBufferPointer(start: value.pointer, count: count))
    }

    /// Changes the values in place, and their copy in bf16 with them, where there is one. `body` tells whether it came to the
    /// end: only then does the copy count as that of the new values.
    func step(
        _ body: (_ values: UnsafeMutablePointer<Float>, _ narrowed: UnsafeMutablePointer<UInt16>?) -> Bool
    ) -> Bool {
        version += 1
        guard body(value.pointer, narrowed?.memory.halves) else { return false }
        narrowed?.version = version
        return true
    }

    /// The values, in their plain layout, as a product in `precision` reads them: those themselves or a copy in bf16, made
    /// anew when they have changed. For training, where a packing would serve only one or two products.
    func plainValues(in precision: Precision) throws -> PooledMemory {
        guard precision == .bfloat16 else { return value.memory }
        if let narrowed, narrowed.version == version { return narrowed.memory }
        let memory = try narrowed?.memory ?? PooledMemory(bytes: count * precision.bytes)
        nn_to_bf16(value.pointer, memory.halves, Int64(count))
        narrowed = (memory, version)
        return memory
    }

    /// Frees the values, of which only packings remain: for networks that only infer and are never changed nor saved.
    func letGoOfValues() throws {
        packed.seal()
        value = try Tensor(shape: [0], pool: .passing)
        narrowed = nil
        letGoOfGradient()
    }

    /// Forgets the gradient; its memory stays.
    package func clearGradient() { gradientIsSet = false }

    /// Forgets the gradient and frees its memory for others'.
    func letGoOfGradient() {
        gradient = nil
        gradientIsSet = false
    }

    /// The gradient where there is one, to be read or scaled in place.
    package var gradientPointer: UnsafeMutablePointer<Float>? { gradientIsSet ? gradient?.pointer : nil }

    /// Adds to the gradient: `write` gets memory and whether what is there must be added to.
    func accumulateGradient(_ write: (_ memory: UnsafeMutablePointer<Float>, _ adds: Bool) throws -> Void) throws {
        let memory = try gradient ?? Tensor(shape: shape)
        gradient = memory
        try write(memory.pointer, gradientIsSet)
        gradientIsSet = true
    }

    /// Adds numbers that lie elsewhere.
    func accumulateGradient(_ addend: UnsafePointer<Float>) throws {
        try accumulateGradient { memory, adds in
            if adds { nn_add(memory, addend, Int64(count)) } else { memory.update(from: addend, count: count) }
        }
    }
}
