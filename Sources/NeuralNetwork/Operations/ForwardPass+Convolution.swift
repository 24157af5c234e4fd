import COneDNN

extension ForwardPass {
    /// 2-D convolution. `x` is N,H,W,C; `weight` output, input / groups, height, width; `bias` output. `result` is bf16 only
    /// where a batch normalisation alone reads it.
    public func convolution(
        _ x: Tensor, weight: Parameter, bias: Parameter? = nil, geometry: ConvolutionGeometry,
        result: Precision = .float32
    ) throws -> Tensor {
        let shape = try Self.outputShape(of: x, weight: weight, geometry: geometry)
        let tape = records([x], parameters: true)
        var description = ConvolutionShape(
            pass: tape == nil ? .inference : .training, input: x.shape, weights: weight.shape, geometry: geometry)
        description.hasBias = bias != nil
        description.precision = precision
        description.resultPrecision = result
        let y = try Tensor(shape: shape, precision: result)
        let source = try Self.operand(x, precision)
        try withExtendedLifetime(source) {
            try LayerArithmetic.runPlain(
                .convolution(description), LayerWeights(weight, bias: bias), source: source.base, result: y.memory.base)
        }

        tape?.record(y, parameters: [weight, bias]) { gradient in
            if let bias { try Self.accumulateColumnSums(of: gradient, columns: shape[3], to: bias) }
            var description = description
            description.hasBias = false
            description.resultPrecision = .float32
            description.pass = .backwardWeights
            let gradient = try Self.operand(gradient, description.precision)
            let weights = try PrimitiveCache.shared.convolution(description)
            let packedGradient = try PooledMemory(bytes: weights.weightBytes)
            try weights.backwardWeights(source: source.base, gradient: gradient.base, result: packedGradient.base)
            try weight.accumulateGradient { memory, adds in
                guard adds else { return try weights.unpack(packedGradient.base, into: memory) }
                let plain = try PooledMemory(bytes: weight.count * 4)
                try weights.unpack(packedGradient.base, into: plain.floats)
                nn_add(memory, plain.floats, Int64(weight.count))
            }
            guard x.needsGradient else { return }
            description.pass = .backwardData
            let dx = try Tensor(shape: x.shape)
            let kernels = LayerWeights(weight, bias: nil)
            if let tiled = TiledConvolution(description),
                try withExtendedLifetime(gradient, { try tiled.run(kernels, source: $0.base, result: dx.memory.base) })
            {
                tape?.accumulate(dx, for: x)
                return
            }
            let data = try PrimitiveCache.shared.convolution(description)
            let packed = try kernels.packed.packed(kernels.plain, version: kernels.version, for: data)
            try withExtendedLifetime((packed, gradient)) {
                try data.backwardData(gradient: gradient.base, weights: packed.base, result: dx.pointer)
            }
            tape?.accumulate(dx, for: x)
        }
        return y
    }

    static func outputShape(
        of x: Tensor, weight: Parameter, geometry: ConvolutionGeometry
    ) throws -> [Int] {
        guard x.shape.count == 4, weight.shape.count == 4, x.shape[3] == weight.shape[1] * geometry.groups else {
            throw EngineError(
                .shapeMismatch,
                "a convolution with weights \(weight.shape) and \(geometry.groups) groups cannot read a tensor of "
                    + "\(x.shape) (N,H,W,C)")
        }
        let height = geometry.outputExtent(x.shape[1], kernel: weight.shape[2])
        let width = geometry.outputExtent(x.shape[2], kernel: weight.shape[3])
        guard height > 0, width > 0, x.shape[0] > 0 else {
            throw EngineError(.shapeMismatch, "an input of \(x.shape) is too small for a \(weight.shape) convolution")
        }
        return [x.shape[0], height, width, weight.shape[0]]
    }

    static func accumulateColumnSums(of gradient: Tensor, columns: Int, to bias: Parameter) throws {
        let sums = try PooledMemory(bytes: columns * 4)
        let gradient = try gradient.converted(to: .float32)
        nn_column_sums(gradient.pointer, sums.floats, Int64(gradient.count / max(1, columns)), Int64(columns))
        try bias.accumulateGradient(sums.floats)
    }
}
