import Synchronization

/// A parameter's values in the layouts that compiled operations ask for, packed again only after a change.
///
/// Threads that run one frozen network share it: a packing is made under the lock and only read afterwards.
final class PackedWeights: Sendable {
    /// `@unchecked Sendable`: the memory is written before the value is stored under the lock. It is written again only
    /// after a change of the parameter's values, which excludes any other use of the parameter at that time.
    private struct Packing: @unchecked Sendable {
        var primitive: Primitive
        var memory: PooledMemory
        var version: Int
    }

    private let packings = Mutex<[Packing]>([])

    /// `plain` as `primitive` wants it. `version` changes whenever the values do. The memory lives as long as the result.
    func packed(
        _ plain: UnsafePointer<Float>, version: Int, for primitive: Primitive
    ) throws -> PooledMemory {
        try packings.withLock { packings in
            if let index = packings.firstIndex(where: { $0.primitive.sharesWeights(with: primitive) }) {
                if packings[index].version != version {
                    try primitive.pack(plain, into: packings[index].memory.base)
                    packings[index].version = version
                }
                return packings[index]
            }
            let memory = try PooledMemory(bytes: primitive.weightBytes)
            try primitive.pack(plain, into: memory.base)
            let made = Packing(primitive: primitive, memory: memory, version: version)
            packings.append(made)
            return made
        }.memory
    }
}
