import COneDNN

extension ForwardPass {
    /// GELU(narrow(GELU(filter(GELU(widen(x))))) + x) of N,H,W,C without recording: 1×1 to more channels, 3×3 a channel,
    /// 1×1 back, each with its batch normalisation folded in.
    ///
    /// The wide maps exist for a strip of rows at a time: they stay in the cache, and memory holds none of them.
    ///
    /// Throws `EngineError.shapeMismatch` for layers that do not follow each other, and `.unsupported` in a pass that
    /// trains: the layers' own calls do.
    public func bottleneck(
        _ x: Tensor, widening: (layer: Conv2d, norm: BatchNorm), depthwise: (layer: Conv2d, norm: BatchNorm),
        narrowing: (layer: Conv2d, norm: BatchNorm)
    ) throws -> Tensor {
        guard isInference else {
            throw EngineError(.unsupported, "a fused bottleneck only infers: call its layers one by one")
        }
        let strips = try BottleneckStrips(
            x, widening: widening, depthwise: depthwise, narrowing: narrowing, precision: precision, arithmetic: arithmetic)
        let y = try Tensor(shape: x.shape, precision: activationPrecision)
        try Self.copy(x, to: y)
        let source = try Self.operand(x, precision)
        for image in 0..<x.shape[0] { try strips.run(image, source, addingTo: y) }
        return y
    }
}

/// The folded layers of a bottleneck, and its computation strip by strip over plain memory.
private struct BottleneckStrips {
    private let widening: FoldedConvolution
    private let depthwise: FoldedConvolution
    private let narrowing: FoldedConvolution
    private let precision: Precision
    private let arithmetic: LayerArithmetic
    /// Of the two 1×1 convolutions.
    private let (widened, narrowed): (Parameter, Parameter)
    private let (height, width, channels, hidden): (Int, Int, Int, Int)
    /// The kernels of the depthwise convolution, tap after tap.
    private let taps: PooledMemory

    /// Bytes of a strip of the wide map: what the second-level cache holds twice beside weights.
    private static let stripBytes = 1 << 20

    init(
        _ x: Tensor, widening: (layer: Conv2d, norm: BatchNorm), depthwise: (layer: Conv2d, norm: BatchNorm),
        narrowing: (layer: Conv2d, norm: BatchNorm), precision: Precision, arithmetic: LayerArithmetic
    ) throws {
        hidden = widening.layer.weight.shape[0]
        guard x.shape.count == 4, x.count > 0, widening.layer.weight.shape == [hidden, x.shape[3], 1, 1],
            narrowing.layer.weight.shape == [x.shape[3], hidden, 1, 1], depthwise.layer.weight.shape == [hidden, 1, 3, 3],
            depthwise.layer.geometry == ConvolutionGeometry(padding: 1, groups: hidden), hidden % 16 == 0
        else {
            throw EngineError(
                .shapeMismatch,
                "a bottleneck of weights \(widening.layer.weight.shape), \(depthwise.layer.weight.shape) and "
                    + "\(narrowing.layer.weight.shape) cannot read a tensor of \(x.shape) (N,H,W,C): it takes 1×1 there and "
                    + "back, and between them 3×3 a channel, the channels divisible by 16")
        }
        (height, width, channels) = (x.shape[1], x.shape[2], x.shape[3])
        self.precision = precision
        self.arithmetic = arithmetic
        (widened, narrowed) = (widening.layer.weight, narrowing.layer.weight)
        self.widening = try widening.layer.folding.folded(widening.layer, widening.norm)
        self.depthwise = try depthwise.layer.folding.folded(depthwise.layer, depthwise.norm)
        self.narrowing = try narrowing.layer.folding.folded(narrowing.layer, narrowing.norm)
        taps = try PooledMemory(bytes: 9 * hidden * 4)
        nn_transpose(self.depthwise.weights, taps.floats, 1, Int64(hidden), 9)
    }

    /// Each strip of rows is widened once; its last two rows stay for the next strip's convolution.
    func run(_ image: Int, _ source: PooledMemory, addingTo y: Tensor) throws {
        let row = width * hidden * precision.bytes
        let strip = min(height, max(2, Self.stripBytes / row))
        let wide = try PooledMemory(bytes: (strip + 2) * row)
        let filtered = try PooledMemory(bytes: (strip + 1) * row)
        var (held, done) = (0..<0, 0)
        while done < height {
            let kept = max(held.lowerBound, held.upperBound - 2)..<held.upperBound
            wide.base.copyMemory(
                from: wide.base + (kept.lowerBound - held.lowerBound) * row, byteCount: kept.count * row)
            let next = kept.upperBound..<min(height, kept.upperBound + strip)
            try multiply(
                widening, of: widened, rows: next.count * width, columns: hidden, inner: channels,
                source.base + (image * height + next.lowerBound) * width * channels * precision.bytes,
                result: wide.base + kept.count * row, precision: precision)
            held = kept.lowerBound..<next.upperBound
            // The last row waits for the one below it.
            let results = done..<(held.upperBound == height ? height : held.upperBound - 1)
            filter(held: held, results: results, wide.base, result: filtered.base)
            try multiply(
                narrowing, of: narrowed, rows: results.count * width, columns: channels, inner: hidden, filtered.base,
                result: y.memory.base + (image * height + done) * width * channels * y.precision.bytes,
                precision: y.precision, adds: true)
            done = results.upperBound
        }
    }

    private func multiply(
        _ layer: FoldedConvolution, of weight: Parameter, rows: Int, columns: Int, inner: Int, _ source: UnsafeRawPointer,
        result: UnsafeMutableRawPointer, precision made: Precision, adds: Bool = false
    ) throws {
        let weights = LayerWeights(
            of: weight, plain: layer.weights, version: layer.version, packed: layer.packed, bias: layer.bias)
        try withExtendedLifetime(layer) {
            try arithmetic.multiply(
                weights, rows: rows, columns: columns, inner: inner, source: source, in: precision, result: result, in: made,
                post: .geluErf, adds: adds)
        }
    }

    private func filter(
        held: Range<Int>, results: Range<Int>, _ source: UnsafeRawPointer, result: UnsafeMutableRawPointer
    ) {
        var shape = nn_depthwise()
        (shape.images, shape.height, shape.width, shape.channels) = (1, Int64(height), Int64(width), Int64(hidden))
        (shape.in_first, shape.in_rows) = (Int64(held.lowerBound), Int64(held.count))
        (shape.out_first, shape.out_rows) = (Int64(results.lowerBound), Int64(results.count))
        shape.bf16 = precision == .bfloat16 ? 1 : 0
        let bias = depthwise.bias?.assumingMemoryBound(to: Float.self)
        withExtendedLifetime(depthwise) { nn_depthwise_gelu(&shape, source, taps.floats, bias, nil, result) }
    }
}
