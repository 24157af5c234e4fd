/// What the linear layers and convolutions of an inference pass are computed with.
enum LayerArithmetic {
    /// The pass's own precision.
    case plain
    /// The same, seen by a calibrator.
    case watched(Calibrator)
    /// 8 bits where the network says so, the pass's own precision elsewhere.
    case quantised(QuantisedNetwork)

    /// One layer: result = post(source · weights + bias (+ what the result holds)).
    func run(
        _ product: LayerProduct, _ weights: LayerWeights, source: UnsafeRawPointer, result: UnsafeMutableRawPointer
    ) throws {
        switch self {
        case .plain: break
        case .watched(let calibrator): try calibrator.see(product, weights, source: source)
        case .quantised(let network):
            if let layer = network[weights.identity] { return try layer.run(product, weights, source: source, result: result) }
        }
        try Self.runPlain(product, weights, source: source, result: result)
    }

    /// result = post(source · weightsᵀ + bias (+ what the result holds)) of some rows, each dense: a linear layer over a
    /// strip of memory. The weights are packed once, whatever the number of strips.
    func multiply(
        _ weights: LayerWeights, rows: Int, columns: Int, inner: Int, source: UnsafeRawPointer, in precision: Precision,
        result: UnsafeMutableRawPointer, in made: Precision, post: PostOperation = .none, adds: Bool = false
    ) throws {
        var shape = MatmulShape(rows: rows, columns: columns, inner: inner, transposesB: true)
        (shape.precision, shape.resultPrecision, shape.packsB) = (precision, made, true)
        (shape.hasBias, shape.post, shape.addsDestination) = (weights.bias != nil, post, adds)
        try run(.matmul(shape), weights, source: source, result: result)
    }

    static func runPlain(
        _ product: LayerProduct, _ weights: LayerWeights, source: UnsafeRawPointer, result: UnsafeMutableRawPointer
    ) throws {
        if case .convolution(let shape) = product, let tiled = TiledConvolution(shape),
            try tiled.run(weights, source: source, result: result)
        {
            return
        }
        let primitive = try product.primitive
        let packed = try weights.packed.packed(weights.plain, version: weights.version, for: primitive)
        try withExtendedLifetime(packed) {
            try primitive.forward(source, weights: packed.base, bias: weights.bias, result: result)
        }
    }
}

/// The weights of a layer as its kernels are made from them: its own, or with a normalisation folded in.
struct LayerWeights {
    /// Of the layer's parameter.
    let identity: ObjectIdentifier
    let plain: UnsafePointer<Float>
    let version: Int
    let packed: PackedWeights
    let bias: UnsafeRawPointer?

    init(_ weight: Parameter, bias: Parameter?) {
        self.init(
            of: weight, plain: weight.value.pointer, version: weight.version, packed: weight.packed,
            bias: bias.map { UnsafeRawPointer($0.value.pointer) })
    }

    init(
        of parameter: Parameter, plain: UnsafePointer<Float>, version: Int, packed: PackedWeights, bias: UnsafeRawPointer?
    ) {
        identity = ObjectIdentifier(parameter)
        self.plain = plain
        self.version = version
        self.packed = packed
        self.bias = bias
    }
}

/// What a layer is asked to compute.
enum LayerProduct: Hashable, Sendable {
    case matmul(MatmulShape)
    case convolution(ConvolutionShape)

    /// Compiled for fp32 or bf16.
    var primitive: Primitive {
        get throws {
            switch self {
            case .matmul(let shape): try PrimitiveCache.shared.matmul(shape)
            case .convolution(let shape): try PrimitiveCache.shared.convolution(shape)
            }
        }
    }

    /// The same over 8-bit numbers, for one layer.
    func quantisedPrimitive(_ source: QuantisedSource, scales: [Float]) throws -> Primitive {
        switch self {
        case .matmul(var shape):
            shape.quantised = source
            return try Primitive(matmul: shape, scales: scales)
        case .convolution(var shape):
            shape.quantised = source
            return try Primitive(convolution: shape, scales: scales)
        }
    }

    var precision: Precision {
        switch self {
        case .matmul(let shape): shape.precision
        case .convolution(let shape): shape.precision
        }
    }

    /// Groups share nothing: only products over all channels are quantised.
    var isDense: Bool {
        switch self {
        case .matmul: true
        case .convolution(let shape): shape.geometry.groups == 1
        }
    }

    /// Rows of weights, each with a scale of its own.
    var outputs: Int {
        switch self {
        case .matmul(let shape): shape.columns
        case .convolution(let shape): shape.weights[0]
        }
    }

    /// Weights of one output.
    var weightsOfAnOutput: Int {
        switch self {
        case .matmul(let shape): shape.inner
        case .convolution(let shape): shape.weights.dropFirst().reduce(1, *)
        }
    }

    /// Numbers that are read.
    var sourceCount: Int {
        switch self {
        case .matmul(let shape): shape.rows * shape.inner
        case .convolution(let shape): shape.input.reduce(1, *)
        }
    }

    /// Numbers that are made.
    var resultCount: Int {
        switch self {
        case .matmul(let shape): return shape.rows * shape.columns
        case .convolution(let shape):
            let height = shape.geometry.outputExtent(shape.input[1], kernel: shape.weights[2])
            let width = shape.geometry.outputExtent(shape.input[2], kernel: shape.weights[3])
            return shape.input[0] * height * width * shape.weights[0]
        }
    }

    /// The sums alone, in fp32: nothing added to them and nothing applied.
    var bare: LayerProduct {
        switch self {
        case .matmul(var shape):
            (shape.post, shape.addsDestination, shape.hasBias, shape.resultPrecision) = (.none, false, false, .float32)
            return .matmul(shape)
        case .convolution(var shape):
            (shape.post, shape.addsDestination, shape.hasBias, shape.resultPrecision) = (.none, false, false, .float32)
            return .convolution(shape)
        }
    }
}
