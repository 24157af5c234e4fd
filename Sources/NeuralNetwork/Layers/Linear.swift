/// A linear layer with its weights, output, input.
public final class Linear: Module {
    public let weight: Parameter
    public let bias: Parameter?

    public init(_ inputs: Int, _ outputs: Int, hasBias: Bool = true) throws {
        weight = try Parameter(shape: [outputs, inputs])
        bias = hasBias ? try Parameter(shape: [outputs]) : nil
    }

    /// activation(x·weightᵀ + bias), or x·weightᵀ + bias + addend: see `ForwardPass.linear`.
    public func callAsFunction(
        _ x: Tensor, _ pass: ForwardPass, activation: PostOperation = .none, adding addend: Tensor? = nil,
        overwriting: Bool = false, result: Precision? = nil
    ) throws -> Tensor {
        try pass.linear(
            x, weight: weight, bias: bias, activation: activation, adding: addend, overwriting: overwriting, result: result)
    }

    /// Packs the weights for inference on inputs of each of these numbers of rows, with the current thread's compute
    /// threads, or rounds them where `quantised` has the layer in 8 bits, and frees the plain ones. The layer can then
    /// neither learn nor be saved.
    package func keepOnlyPacked(rows: [Int], precision: Precision, _ quantised: QuantisedNetwork?) throws {
        let inEightBits = quantised?[ObjectIdentifier(weight)]
        inEightBits?.takeOver(weight)
        for rows in inEightBits == nil ? rows : [] {
            var shape = MatmulShape(
                rows: rows, columns: weight.shape[0], inner: weight.shape[1], transposesB: true)
            shape.hasBias = bias != nil
            shape.packsB = true
            shape.precision = precision
            shape.resultPrecision = precision
            let primitive = try PrimitiveCache.shared.matmul(shape)
            _ = try weight.packed.packed(weight.value.pointer, version: weight.version, for: primitive)
        }
        try weight.letGoOfValues()
    }

    public func forEachParameter(_ prefix: String, _ body: (String, Parameter) throws -> Void) rethrows {
        try body(joinedName(prefix, "weight"), weight)
        if let bias { try body(joinedName(prefix, "bias"), bias) }
    }
}
