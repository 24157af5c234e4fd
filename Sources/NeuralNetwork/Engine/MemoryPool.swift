import COneDNN
import Synchronization

/// Buffers that were used and will be used again.
///
/// A training step allocates the same activations as the step before; memory fresh from the system costs a page
/// fault for each 4 KiB, which is more than many of the loops that fill it.
package final class MemoryPool: Sendable {
    package static let shared = MemoryPool(idleLimit: 3 << 30)
    /// Keeps nothing.
    package static let passing = MemoryPool(idleLimit: 0)

    private struct Idle {
        /// Addresses of idle buffers for each size.
        var buffers: [Int: [UInt]] = [:]
        var bytes = 0
    }

    private let idle = Mutex(Idle())
    private let idleLimit: Int

    /// `idleLimit`: bytes kept for later use; what comes back beyond them is freed.
    package init(idleLimit: Int) { self.idleLimit = idleLimit }

    deinit {
        idle.withLock { state in
            for address in state.buffers.values.joined() { nn_free(UnsafeMutableRawPointer(bitPattern: address)) }
        }
    }

    /// At least `bytes` of 64-byte aligned memory with any content, and how many there really are.
    func take(_ bytes: Int) throws -> (UnsafeMutableRawPointer, Int) {
        let size = Self.sizeClass(bytes)
        let found: (address: UInt, size: Int)? = idle.withLock { state in
            guard let fit = Self.fit(for: size, in: state), let address = state.buffers[fit]?.popLast() else { return nil }
            state.bytes -= fit
            return (address, fit)
        }
        if let found, let memory = UnsafeMutableRawPointer(bitPattern: found.address) { return (memory, found.size) }
        guard let memory = nn_allocate(size) else {
            throw EngineError(.outOfMemory, "no memory for a tensor of \(size) bytes: use smaller batches or images")
        }
        return (memory, size)
    }

    /// The smallest size of idle buffers that holds `size`. Of large ones up to a half more will do: a network whose layers
    /// differ a little in size would otherwise keep buffers for each of them.
    private static func fit(for size: Int, in state: Idle) -> Int? {
        if state.buffers[size]?.isEmpty == false { return size }
        guard size >= 1 << 20 else { return nil }
        return state.buffers.lazy.filter { $0.key > size && $0.key <= size + size / 2 && !$0.value.isEmpty }.map(\.key).min()
    }

    func giveBack(_ memory: UnsafeMutableRawPointer, size: Int) {
        let kept = idle.withLock { state in
            guard state.bytes + size <= idleLimit else { return false }
            state.buffers[size, default: []].append(UInt(bitPattern: memory))
            state.bytes += size
            return true
        }
        if !kept { nn_free(memory) }
    }

    /// Bytes that wait for their next use.
    package var idleBytes: Int { idle.withLock { $0.bytes } }

    /// Sizes are rounded up to an eighth of their power of two, so that bags of about one size share buffers.
    static func sizeClass(_ bytes: Int) -> Int {
        guard bytes > 512 else { return 512 }
        let step = 1 << max(6, Int.bitWidth - 1 - bytes.leadingZeroBitCount - 3)
        return (bytes + step - 1) / step * step
    }
}

/// One buffer of the pool, given back when its last user lets go of it.
package final class PooledMemory {
    package let base: UnsafeMutableRawPointer
    private let size: Int
    private let pool: MemoryPool

    package init(bytes: Int, pool: MemoryPool = .shared) throws {
        (base, size) = try pool.take(bytes)
        self.pool = pool
    }

    deinit { pool.giveBack(base, size: size) }

    package var floats: UnsafeMutablePointer<Float> { base.assumingMemoryBound(to: Float.self) }
    package var halves: UnsafeMutablePointer<UInt16> { base.assumingMemoryBound(to: UInt16.self) }
}
