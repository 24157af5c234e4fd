import COneDNN

/// The layers and sizes of narrowing(GELU(depthwise(widening(x)))), and its computation over plain memory.
struct DepthwiseMLP {
    let widening: Linear
    let depthwise: Conv2d
    let narrowing: Linear
    let precision: Precision
    let arithmetic: LayerArithmetic
    let images: Int
    let height: Int
    let width: Int
    let inputs: Int
    let hidden: Int
    let outputs: Int
    /// The kernels of the depthwise convolution, tap after tap.
    private let taps: PooledMemory

    /// Throws `EngineError.shapeMismatch` for layers that do not follow each other or tensors that they cannot read.
    init(
        _ x: Tensor, widening: Linear, depthwise: Conv2d, narrowing: Linear, precision: Precision,
        arithmetic: LayerArithmetic
    ) throws {
        hidden = widening.weight.shape[0]
        outputs = narrowing.weight.shape[0]
        inputs = widening.weight.shape[1]
        guard x.shape.count == 4, x.count > 0, x.shape[3] == inputs, narrowing.weight.shape[1] == hidden,
            depthwise.weight.shape == [hidden, 1, 3, 3], hidden % 16 == 0, depthwise.bias != nil,
            depthwise.geometry == ConvolutionGeometry(padding: 1, groups: hidden)
        else {
            throw EngineError(
                .shapeMismatch,
                "an MLP of weights \(widening.weight.shape), depthwise \(depthwise.weight.shape) and "
                    + "\(narrowing.weight.shape) cannot read a tensor of \(x.shape): it takes N,H,W,C, a hidden width "
                    + "divisible by 16, and a 3×3 kernel with bias, stride 1 and padding 1")
        }
        (images, height, width) = (x.shape[0], x.shape[1], x.shape[2])
        self.widening = widening
        self.depthwise = depthwise
        self.narrowing = narrowing
        self.precision = precision
        self.arithmetic = arithmetic
        taps = try PooledMemory(bytes: 9 * hidden * 4)
        nn_transpose(depthwise.weight.value.pointer, taps.floats, 1, Int64(hidden), 9)
    }

    /// Bytes of one row of the hidden layer.
    var hiddenRow: Int { width * hidden * precision.bytes }

    /// Those that `backward` adds gradients to.
    var parameters: [Parameter?] {
        [widening.weight, widening.bias, depthwise.weight, depthwise.bias, narrowing.weight, narrowing.bias]
    }

    /// result = source·weightᵀ + bias of `rows` rows, added to what the result holds if so said.
    func multiply(
        _ layer: Linear, rows: Int, _ source: UnsafeRawPointer, result: UnsafeMutableRawPointer,
        precision made: Precision, adds: Bool = false
    ) throws {
        try arithmetic.multiply(
            LayerWeights(layer.weight, bias: layer.bias), rows: rows, columns: layer.weight.shape[0],
            inner: layer.weight.shape[1], source: source, in: precision, result: result, in: made, adds: adds)
    }

    /// GELU of the depthwise convolution of rows `results`, from memory that holds rows `held` of as many images. `slope`
    /// comes as the gradient of the result and leaves as that of the convolution's sums.
    func convolve(
        images: Int, held: Range<Int>, results: Range<Int>, _ source: UnsafeRawPointer,
        slope: UnsafeMutablePointer<Float>? = nil, result: UnsafeMutableRawPointer
    ) {
        var shape = self.shape(images: images)
        (shape.in_first, shape.in_rows) = (Int64(held.lowerBound), Int64(held.count))
        (shape.out_first, shape.out_rows) = (Int64(results.lowerBound), Int64(results.count))
        nn_depthwise_gelu(&shape, source, taps.floats, depthwise.bias?.value.pointer, slope, result)
    }

    /// Carries the gradient of the convolution's sums back, to its parameters, to `result`, and on to the bias of the
    /// widening layer.
    func convolveBackward(
        images: Int, _ source: UnsafeRawPointer, gradient: UnsafePointer<Float>, result: UnsafeMutablePointer<Float>
    ) throws {
        let work = try PooledMemory(bytes: (2 * 9 + 2) * hidden * 4)
        let (byTap, byChannel, bias) = (work.floats, work.floats + 9 * hidden, work.floats + 18 * hidden)
        var shape = self.shape(images: images)
        nn_depthwise_backward(&shape, source, taps.floats, gradient, result, byTap, bias, bias + hidden)
        nn_transpose(byTap, byChannel, 1, 9, Int64(hidden))
        try depthwise.weight.accumulateGradient(byChannel)
        try depthwise.bias?.accumulateGradient(bias)
        try widening.bias?.accumulateGradient(bias + hidden)
    }

    /// Of whole images.
    private func shape(images: Int) -> nn_depthwise {
        var made = nn_depthwise()
        (made.images, made.height, made.width) = (Int64(images), Int64(height), Int64(width))
        made.channels = Int64(hidden)
        (made.in_rows, made.out_rows) = (Int64(height), Int64(height))
        made.bf16 = precision == .bfloat16 ? 1 : 0
        return made
    }
}
