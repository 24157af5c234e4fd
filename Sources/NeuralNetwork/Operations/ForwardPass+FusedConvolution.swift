import COneDNN

extension ForwardPass {
    /// activation(norm(convolution(x)) + addend), without recording: batch normalisation folded into the weights, all of
    /// it one kernel. `result` is the precision handed on, `overwriting` lets the result take the addend's memory.
    func fusedConvolution(
        _ x: Tensor, _ layer: Conv2d, norm: BatchNorm?, activation: PostOperation, adding addend: Tensor?,
        overwriting: Bool, result: Precision
    ) throws -> Tensor {
        let shape = try Self.outputShape(of: x, weight: layer.weight, geometry: layer.geometry)
        guard addend == nil || addend?.shape == shape else {
            throw EngineError(.shapeMismatch, "\(addend?.shape ?? []) cannot be added to a convolution's \(shape)")
        }
        let folded = try layer.folding.folded(layer, norm)
        var description = ConvolutionShape(
            pass: .inference, input: x.shape, weights: layer.weight.shape, geometry: layer.geometry)
        description.precision = precision
        description.resultPrecision = result
        description.post = activation
        description.hasBias = folded.bias != nil
        description.addsDestination = addend != nil
        let y = try Self.tensor(holding: addend, shape: shape, precision: result, overwriting: overwriting)
        let source = try Self.operand(x, precision)
        let weights = LayerWeights(
            of: layer.weight, plain: folded.weights, version: folded.version, packed: folded.packed, bias: folded.bias)
        try withExtendedLifetime((source, folded)) {
            try arithmetic.run(.convolution(description), weights, source: source.base, result: y.memory.base)
        }
        return y
    }
}

/// A convolution's weights with the following batch normalisation folded in, made once for each state of both.
final class FoldedConvolution {
    /// Of the convolution's weights, and of the four tensors of the normalisation.
    let versions: [Int]
    private let memory: PooledMemory?
    private let plain: UnsafeMutablePointer<Float>
    private let shift: PooledMemory?
    private let plainBias: UnsafeMutablePointer<Float>?
    let packed: PackedWeights

    var weights: UnsafePointer<Float> { UnsafePointer(plain) }
    var bias: UnsafeRawPointer? { shift.map { UnsafeRawPointer($0.base) } ?? plainBias.map { UnsafeRawPointer($0) } }
    /// What `packed` was made from never changes, but without a normalisation it is the parameter's own.
    var version: Int { versions[0] }

    init(_ layer: Conv2d, _ norm: BatchNorm?, versions: [Int]) throws {
        self.versions = versions
        guard let norm else {
            memory = nil
            shift = nil
            plain = layer.weight.value.pointer
            plainBias = layer.bias?.value.pointer
            packed = layer.weight.packed
            return
        }
        let outputs = layer.weight.shape[0]
        let width = layer.weight.count / max(1, outputs)
        guard norm.weight.count == outputs else {
            throw EngineError(
                .shapeMismatch, "a normalisation of \(norm.weight.count) channels cannot follow weights \(layer.weight.shape)")
        }
        let (scale, offset) = norm.foldedScaleAndShift
        let (weights, bias) = (try PooledMemory(bytes: layer.weight.count * 4), try PooledMemory(bytes: outputs * 4))
        for row in 0..<outputs {
            for i in row * width..<(row + 1) * width { weights.floats[i] = layer.weight.value.pointer[i] * scale[row] }
            bias.floats[row] = (layer.bias?.value.pointer[row] ?? 0) * scale[row] + offset[row]
        }
        memory = weights
        plain = weights.floats
        shift = bias
        plainBias = nil
        packed = PackedWeights(count: layer.weight.count)
    }
}
