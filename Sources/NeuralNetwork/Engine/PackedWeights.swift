import COneDNN
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
    /// Whether what was packed is all there is.
    private let isSealed = Mutex(false)

    /// From now on there are no plain values to pack from.
    func seal() { isSealed.withLock { $0 = true } }

    /// For convolutions by tiles; the same rules as for packings.
    private struct Tiled: @unchecked Sendable {
        var memory: PooledMemory
        var version: Int
    }

    /// Of the kernels as they are, and of those that carry gradients back.
    private let tiled = Mutex<(forward: Tiled?, back: Tiled?)>((nil, nil))

    /// How many numbers there are.
    private let count: Int

    init(count: Int) { self.count = count }

    /// `plain`, `count` numbers, as `primitive` wants it. `version` changes whenever the values do. The memory
    /// lives as long as the result.
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
            if isSealed.withLock({ $0 }) {
                // Another number of threads or of rows may want another layout: it is made from one that there is.
                guard let kept = packings.first(where: { $0.primitive.precision == primitive.precision }) else {
                    throw EngineError(
                        .unsupported,
                        "of weights packed for \(packings.first?.primitive.precision.rawValue ?? "nothing") nothing else is "
                            + "left: run the network with the precision that it was prepared for")
                }
                let copy = try PooledMemory(bytes: count * 4, pool: .passing)
                try kept.primitive.unpack(kept.memory.base, into: copy.floats)
                try primitive.pack(copy.floats, into: memory.base)
            } else {
                try primitive.pack(plain, into: memory.base)
            }
            let made = Packing(primitive: primitive, memory: memory, version: version)
            packings.append(made)
            return made
        }.memory
    }

    /// 3×3 kernels as `TiledConvolution` wants them, those that carry gradients back if so said; nil where the plain ones
    /// were let go.
    func tiled(
        _ plain: UnsafePointer<Float>, version: Int, channels: Int64, outputs: Int64, back: Bool
    ) throws -> PooledMemory? {
        if isSealed.withLock({ $0 }) { return nil }
        return try tiled.withLock { tiled in
            let kept = back ? tiled.back : tiled.forward
            if let kept, kept.version == version { return kept }
            let memory =
                try kept?.memory ?? PooledMemory(bytes: nn_winograd_weight_bytes(channels, outputs), pool: .passing)
            nn_winograd_pack(plain, memory.floats, channels, outputs, back ? 1 : 0)
            let made = Tiled(memory: memory, version: version)
            if back { tiled.back = made } else { tiled.forward = made }
            return made
        }.memory
    }
}
