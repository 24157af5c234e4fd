import COneDNN
import Synchronization

/// A linear layer or convolution in 8 bits: activations by one step for all (from calibration), weights by a step for
/// each output (their largest magnitude / 127), sums in 32-bit integers.
///
/// What is read is rounded in a sweep of its own, so that layers may hand on fp32 or bf16 as ever; bias, residual and
/// activation are part of the kernel. Any number of threads may share it: weights are rounded and packed once.
final class QuantisedLayer: Sendable {
    /// The weights as 8-bit numbers.
    private struct Rounded: Sendable {
        var version: Int
        var values: [Int8]
        var steps: [Float]
    }

    /// `@unchecked Sendable`: the memory is written before the value is stored under the lock, and only read afterwards.
    private struct Kernel: @unchecked Sendable {
        let primitive: Primitive
        let packed: PooledMemory
        let bias: [Float]
    }

    private struct Key: Hashable {
        var product: LayerProduct
        var threads: Int
    }

    private struct State: Sendable {
        var rounded: Rounded?
        var kernels: [Key: Kernel] = [:]
    }

    let source: QuantisedSource
    /// What one step of an activation is worth.
    let step: Float
    private let state = Mutex(State())
    /// Kernels of so many shapes are kept.
    private static let limit = 256

    /// `limit`: the largest magnitude of an activation that is told apart; larger ones are taken for it.
    init(limit: Float, isSigned: Bool) {
        source = isSigned ? .signed : .unsigned
        step = limit / (isSigned ? 127 : 255)
    }

    /// Rounds the weights of a linear layer ahead of its first use, for who lets go of the plain ones.
    func takeOver(_ weight: Parameter) {
        let outputs = weight.shape[0]
        let rounded = Self.round(
            weight.value.pointer, outputs: outputs, width: weight.count / max(1, outputs), version: weight.version)
        state.withLock { $0.rounded = rounded }
    }

    func run(
        _ product: LayerProduct, _ weights: LayerWeights, source memory: UnsafeRawPointer, result: UnsafeMutableRawPointer
    ) throws {
        let kernel = try kernel(product, weights)
        let bytes = try PooledMemory(bytes: product.sourceCount)
        nn_quantise(
            memory, product.precision == .bfloat16 ? 1 : 0, bytes.base, source == .signed ? 1 : 0, step,
            Int64(product.sourceCount))
        try withExtendedLifetime((kernel, bytes)) {
            try kernel.bias.withUnsafeBytes { bias in
                try kernel.primitive.forward(
                    bytes.base, weights: kernel.packed.base, bias: kernel.bias.isEmpty ? nil : bias.baseAddress,
                    result: result)
            }
        }
    }

    private func kernel(_ product: LayerProduct, _ weights: LayerWeights) throws -> Kernel {
        let key = Key(product: product, threads: ComputeThreads.current)
        // Under the lock, so that threads that start together do not pack the same weights twice. Pointers stay inside.
        nonisolated(unsafe) let weights = weights  // Only read, and nobody writes: see `Frozen`.
        return try state.withLock { state in
            if state.rounded?.version != weights.version {
                state.rounded = Self.round(
                    weights.plain, outputs: product.outputs, width: product.weightsOfAnOutput, version: weights.version)
                state.kernels = [:]
            }
            if let kernel = state.kernels[key] { return kernel }
            guard let rounded = state.rounded else { throw EngineError(.library, "weights were not rounded") }
            let primitive = try product.quantisedPrimitive(source, scales: rounded.steps.map { $0 * step })
            let bias = weights.bias.map {
                primitive.quantisedBias($0.assumingMemoryBound(to: Float.self), count: product.outputs)
            }
            let packed: PooledMemory
            if let found = state.kernels.values.first(where: { $0.primitive.sharesWeights(with: primitive) }) {
                packed = found.packed
            } else {
                packed = try PooledMemory(bytes: primitive.weightBytes)
                try rounded.values.withUnsafeBufferPointer {
                    if let base = $0.baseAddress { try primitive.pack(base, into: packed.base) }
                }
            }
            if state.kernels.count >= Self.limit { state.kernels = [:] }
            let made = Kernel(primitive: primitive, packed: packed, bias: bias ?? [])
            state.kernels[key] = made
            return made
        }
    }

    private static func round(_ plain: UnsafePointer<Float>, outputs: Int, width: Int, version: Int) -> Rounded {
        var steps = [Float](repeating: 1, count: outputs)
        let values = [Int8](unsafeUninitializedCapacity: outputs * width) { buffer, filled in
            if let base = buffer.baseAddress {
                nn_quantise_rows(plain, base, &steps, Int64(outputs), Int64(width))
            }
            filled = outputs * width
        }
        return Rounded(version: version, values: values, steps: steps)
    }
}
