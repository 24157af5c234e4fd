import Synchronization

/// Compiled operations, found by their shape: generating a kernel takes about as long as running it.
package final class PrimitiveCache: Sendable {
    package static let shared = PrimitiveCache(limit: 4096)

    private enum Shape: Hashable, Sendable {
        case convolution(ConvolutionShape)
        case matmul(MatmulShape)
    }

    /// Kernels divide their work when they are compiled, hence the number of threads.
    private struct Key: Hashable, Sendable {
        var shape: Shape
        var threads: Int
    }

    private struct State {
        var found: [Key: Primitive] = [:]
        /// In order of compilation; the oldest leave first.
        var order: [Key] = []
    }

    private let state = Mutex(State())
    private let limit: Int

    init(limit: Int) { self.limit = limit }

    package func convolution(_ shape: ConvolutionShape) throws -> Primitive {
        try primitive(.convolution(shape)) { try Primitive(convolution: shape) }
    }

    package func matmul(_ shape: MatmulShape) throws -> Primitive {
        try primitive(.matmul(shape)) { try Primitive(matmul: shape) }
    }

    private func primitive(_ shape: Shape, compile: () throws -> Primitive) throws -> Primitive {
        let key = Key(shape: shape, threads: ComputeThreads.current)
        if let found = state.withLock({ $0.found[key] }) { return found }
        // Compiled outside the lock: two threads may compile the same, which costs time only.
        let made = try compile()
        state.withLock { state in
            if state.found.updateValue(made, forKey: key) == nil { state.order.append(key) }
            guard state.order.count > limit else { return }
            for old in state.order.prefix(limit / 4) { state.found[old] = nil }
            state.order.removeFirst(limit / 4)
        }
        return made
    }
}
