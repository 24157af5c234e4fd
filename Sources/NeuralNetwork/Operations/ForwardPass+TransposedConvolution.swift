import COneDNN

extension ForwardPass {
    /// A transposed convolution whose stride is its kernel's side: each pixel becomes a block of pixels of its own.
    ///
    /// `x` is N,H,W,C; `weight` input, output, k, k; `bias` output. The result is N, k·H, k·W, output, in fp32. A matrix
    /// product makes the blocks, a shuffle lays them out.
    public func transposedConvolution(_ x: Tensor, weight: Parameter, bias: Parameter? = nil) throws -> Tensor {
        guard weight.shape.count == 4, weight.shape[2] == weight.shape[3], x.shape.count == 4, x.count > 0,
            x.shape[3] == weight.shape[0], bias == nil || bias?.count == weight.shape[1]
        else {
            throw EngineError(
                .shapeMismatch,
                "a transposed convolution with weights \(weight.shape) (input, output, k, k) cannot read a tensor of "
                    + "\(x.shape) (N,H,W,C)")
        }
        let x = try float32(x)
        let (inputs, outputs, side) = (weight.shape[0], weight.shape[1], weight.shape[2])
        let (rows, width) = (x.count / inputs, side * side * outputs)
        let blocks = try Tensor(shape: [rows, width])
        let matrix = try Self.blockMatrix(weight)
        var shape = MatmulShape(rows: rows, columns: width, inner: inputs)
        shape.hasBias = bias != nil
        let repeated = bias.map { bias in (0..<side * side).flatMap { _ in bias.values } }
        try PrimitiveCache.shared.matmul(shape).forward(
            x.pointer, weights: matrix.pointer, bias: repeated, result: blocks.pointer)
        let y = try Tensor(shape: [x.shape[0], x.shape[1] * side, x.shape[2] * side, outputs])
        let (lines, columns) = (Int64(x.shape[0] * x.shape[1]), Int64(x.shape[2]))
        nn_pixel_shuffle(blocks.pointer, y.pointer, lines, columns, Int64(side), Int64(outputs * 4), 0)

        let tape = records([x], parameters: true)
        tape?.record(y, parameters: [weight, bias]) { gradient in
            if let bias { try Self.accumulateColumnSums(of: gradient, columns: outputs, to: bias) }
            let blocks = try Tensor(shape: [rows, width])
            nn_pixel_shuffle(gradient.pointer, blocks.pointer, lines, columns, Int64(side), Int64(outputs * 4), 1)
            let ofMatrix = try Tensor(shape: matrix.shape)
            try PrimitiveCache.shared.matmul(MatmulShape(rows: inputs, columns: width, inner: rows, transposesA: true))
                .forward(x.pointer, weights: blocks.pointer, result: ofMatrix.pointer)
            // input, (place, output) to input, (output, place).
            let ofWeight = try Tensor(shape: weight.shape)
            nn_transpose(ofMatrix.pointer, ofWeight.pointer, Int64(inputs), Int64(side * side), Int64(outputs))
            try weight.accumulateGradient(ofWeight.pointer)
            guard x.needsGradient else { return }
            let dx = try Tensor(shape: x.shape)
            try PrimitiveCache.shared.matmul(MatmulShape(rows: rows, columns: inputs, inner: width, transposesB: true))
                .forward(blocks.pointer, weights: matrix.pointer, result: dx.pointer)
            tape?.accumulate(dx, for: x)
        }
        return y
    }

    /// Weights input, output, k, k as a matrix: input rows of (place in the block, output).
    private static func blockMatrix(_ weight: Parameter) throws -> Tensor {
        let (inputs, outputs, places) = (weight.shape[0], weight.shape[1], weight.shape[2] * weight.shape[3])
        let made = try Tensor(shape: [inputs, places * outputs])
        nn_transpose(weight.value.pointer, made.pointer, Int64(inputs), Int64(outputs), Int64(places))
        return made
    }
}
