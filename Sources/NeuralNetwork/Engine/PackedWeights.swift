/// A parameter's values in the layouts that compiled operations ask for, packed again only after a change.
final class PackedWeights {
    private struct Packing {
        var primitive: Primitive
        var memory: PooledMemory
        var version: Int
    }

    private var packings: [Packing] = []

    /// `plain` as `primitive` wants it. `version` changes whenever the values do.
    func packed(
        _ plain: UnsafePointer<Float>, version: Int, for primitive: Primitive
    ) throws -> UnsafeRawPointer {
        if let index = packings.firstIndex(where: { $0.primitive.sharesWeights(with: primitive) }) {
            if packings[index].version != version {
                try primitive.pack(plain, into: packings[index].memory.base)
                packings[index].version = version
            }
            return UnsafeRawPointer(packings[index].memory.base)
        }
        let memory = try PooledMemory(bytes: primitive.weightBytes)
        try primitive.pack(plain, into: memory.base)
        packings.append(Packing(primitive: primitive, memory: memory, version: version))
        return UnsafeRawPointer(memory.base)
    }
}
