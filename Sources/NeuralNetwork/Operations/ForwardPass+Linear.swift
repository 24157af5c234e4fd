import COneDNN

extension ForwardPass {
    /// activation(x·weightᵀ + bias), or x·weightᵀ + bias + addend. `x` has any leading dimensions and ends with `input`;
    /// `weight` is output, input (or output, input, 1, 1: a convolution's).
    ///
    /// One kernel over packed weights in an inference pass, which hands on `result` (the addend's precision, or the
    /// pass's, unless said); recorded step by step, in fp32, in any other. `overwriting` says that nobody else needs the
    /// addend, whose memory an inference pass may then use for the result.
    public func linear(
        _ x: Tensor, weight: Parameter, bias: Parameter? = nil, activation: PostOperation = .none,
        adding addend: Tensor? = nil, overwriting: Bool = false, result: Precision? = nil
    ) throws -> Tensor {
        let outputs = weight.shape[0]
        let inputs = weight.count / max(1, outputs)
        let shape = Array(x.shape.dropLast()) + [outputs]
        guard x.shape.last == inputs, addend == nil || addend?.shape == shape else {
            throw EngineError(
                .shapeMismatch,
                "a linear layer with weights \(weight.shape) cannot read a tensor of \(x.shape)"
                    + (addend.map { " and add one of \($0.shape)" } ?? ""))
        }
        guard activation == .none || addend == nil else {
            throw EngineError(.invalidOption, "a linear layer applies an activation or adds a residual, not both")
        }
        let rows = x.count / max(1, inputs)
        let tape = records([x], parameters: true)
        let made = tape == nil ? result ?? addend?.precision ?? activationPrecision : .float32
        var description = MatmulShape(rows: rows, columns: outputs, inner: inputs, transposesB: true)
        description.hasBias = bias != nil
        description.addsDestination = addend != nil
        description.packsB = tape == nil || Self.isWorthPacking(rows: rows)
        description.precision = precision
        description.resultPrecision = made
        // A backward pass needs what came before the activation.
        description.post = tape == nil ? activation : .none
        let y = try Self.tensor(holding: addend, shape: shape, precision: made, overwriting: overwriting && tape == nil)
        let source = try Self.operand(x, precision)
        try withExtendedLifetime(source) {
            try Self.multiply(description, arithmetic, source.base, weight, bias: bias, result: y.memory.base)
        }
        guard let tape else { return y }
        let precision = precision
        tape.record(y, parameters: [weight, bias]) { gradient in
            if let bias { try Self.accumulateColumnSums(of: gradient, columns: outputs, to: bias) }
            let narrow = try Self.operand(gradient, precision)
            try weight.accumulateGradient { memory, adds in
                var shape = MatmulShape(rows: outputs, columns: inputs, inner: rows, transposesA: true)
                shape.addsDestination = adds
                shape.precision = precision
                try PrimitiveCache.shared.matmul(shape).forward(narrow.base, weights: source.base, result: memory)
            }
            if x.needsGradient {
                let dx = try Tensor(shape: x.shape)
                var shape = MatmulShape(rows: rows, columns: inputs, inner: outputs)
                shape.precision = precision
                shape.packsB = Self.isWorthPacking(rows: rows)
                try withExtendedLifetime(narrow) {
                    try Self.multiply(shape, .plain, narrow.base, weight, result: dx.memory.base)
                }
                tape.accumulate(dx, for: x)
            }
            if let addend { tape.accumulate(gradient, for: addend) }
        }
        return activation == .none ? y : try activated(y, activation)
    }

    /// Whether weights that change with every step are packed for a product of so many rows. A product over weights as they
    /// lie is 5 to 15 % slower; packing costs about as much as the product of 200 rows in fp32 and 300 in bf16.
    private static func isWorthPacking(rows: Int) -> Bool { rows >= 2048 }

    /// The product with `weight`, packed or as it lies, as `shape` says.
    private static func multiply(
        _ shape: MatmulShape, _ arithmetic: LayerArithmetic, _ source: UnsafeRawPointer, _ weight: Parameter,
        bias: Parameter? = nil, result: UnsafeMutableRawPointer
    ) throws {
        guard !shape.packsB else {
            return try arithmetic.run(.matmul(shape), LayerWeights(weight, bias: bias), source: source, result: result)
        }
        let plain = try weight.plainValues(in: shape.precision)
        let bias = bias.map { UnsafeRawPointer($0.value.pointer) }
        try withExtendedLifetime(plain) {
            try PrimitiveCache.shared.matmul(shape).forward(source, weights: plain.base, bias: bias, result: result)
        }
    }

    /// The product of two matrices, `b` stored transposed if so said.
    public func matmul(_ a: Tensor, _ b: Tensor, transposingB: Bool = false) throws -> Tensor {
        guard a.shape.count == 2, b.shape.count == 2, a.shape[1] == b.shape[transposingB ? 1 : 0] else {
            throw EngineError(
                .shapeMismatch, "matrices of \(a.shape) and \(b.shape)\(transposingB ? "ᵀ" : "") have no product")
        }
        let (rows, inner, columns) = (a.shape[0], a.shape[1], b.shape[transposingB ? 0 : 1])
        let shape = MatmulShape(rows: rows, columns: columns, inner: inner, transposesB: transposingB)
        let y = try Tensor(shape: [rows, columns])
        try PrimitiveCache.shared.matmul(shape).forward(a.pointer, weights: b.pointer, result: y.pointer)

        let tape = records([a, b])
        tape?.record(y) { gradient in
            if a.needsGradient {
                let da = try Tensor(shape: a.shape)
                let shape = MatmulShape(rows: rows, columns: inner, inner: columns, transposesB: !transposingB)
                try PrimitiveCache.shared.matmul(shape).forward(gradient.pointer, weights: b.pointer, result: da.pointer)
                tape?.accumulate(da, for: a)
            }
            if b.needsGradient {
                let db = try Tensor(shape: b.shape)
                // b's gradient is aᵀ·g, or gᵀ·a where b is stored transposed.
                let shape = MatmulShape(
                    rows: transposingB ? columns : inner, columns: transposingB ? inner : columns, inner: rows,
                    transposesA: true)
                let (left, right) = transposingB ? (gradient, a) : (a, gradient)
                try PrimitiveCache.shared.matmul(shape).forward(left.pointer, weights: right.pointer, result: db.pointer)
                tape?.accumulate(db, for: b)
            }
        }
        return y
    }
}
