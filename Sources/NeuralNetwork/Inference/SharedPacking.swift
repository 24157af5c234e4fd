import Synchronization

/// Constant weights in the layouts that compiled operations ask for: packed once, read by any number of threads.
final class SharedPacking: Sendable {
    /// `@unchecked Sendable`: the memory is written before the value leaves `pack`, and only read afterwards.
    private struct Packed: @unchecked Sendable {
        let primitive: Primitive
        let memory: PooledMemory
    }

    private let packings = Mutex<[Packed]>([])

    /// Calls `body` with `plain` as `primitive` wants it.
    func withPacked<Result>(
        _ plain: [Float], for primitive: Primitive, _ body: (UnsafeRawPointer) throws -> Result
    ) throws -> Result {
        let packed = try packings.withLock { packings in
            if let found = packings.first(where: { $0.primitive.sharesWeights(with: primitive) }) { return found }
            // Under the lock, so that threads that start together do not pack the same weights twice.
            let memory = try PooledMemory(bytes: primitive.weightBytes)
            try plain.withUnsafeBufferPointer { buffer in
                guard let base = buffer.baseAddress else { return }
                try primitive.pack(base, into: memory.base)
            }
            let made = Packed(primitive: primitive, memory: memory)
            packings.append(made)
            return made
        }
        return try withExtendedLifetime(packed) { try body(UnsafeRawPointer(packed.memory.base)) }
    }
}
