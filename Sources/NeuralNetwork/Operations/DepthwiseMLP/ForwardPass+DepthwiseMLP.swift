extension ForwardPass {
    /// narrowing(GELU(depthwise(widening(x)))) + addend: the MLP of a pyramid transformer, N,H,W,C to N,H,W,outputs.
    ///
    /// The hidden layer, eight times as wide as the rest, is what such a network spends its memory on. In an inference
    /// pass it never exists as a whole. In a recorded one a single copy of it is kept, in the pass's precision; what
    /// follows from that is computed once more on the way back. `overwriting` as in `linear`.
    ///
    /// Throws `EngineError.shapeMismatch` unless the depthwise kernel is 3×3 with stride 1, padding 1 and a bias, and the
    /// hidden width is divisible by 16.
    public func depthwiseMLP(
        _ x: Tensor, widening: Linear, depthwise: Conv2d, narrowing: Linear, adding addend: Tensor? = nil,
        overwriting: Bool = false
    ) throws -> Tensor {
        let layers = try DepthwiseMLP(
            x, widening: widening, depthwise: depthwise, narrowing: narrowing, precision: precision,
            arithmetic: arithmetic)
        let shape = Array(x.shape.dropLast()) + [layers.outputs]
        guard addend == nil || addend?.shape == shape else {
            throw EngineError(.shapeMismatch, "\(addend?.shape ?? []) cannot be added to an MLP's \(shape)")
        }
        let tape = records([x], parameters: true)
        let made = tape == nil ? addend?.precision ?? activationPrecision : .float32
        let y = try Self.tensor(holding: addend, shape: shape, precision: made, overwriting: overwriting && tape == nil)
        let source = try Self.operand(x, precision)
        guard let tape else {
            try layers.infer(source, adding: addend != nil, to: y)
            return y
        }
        let wide = try layers.forward(source, adding: addend != nil, to: y)
        tape.record(y, parameters: layers.parameters) { gradient in
            let dx = x.needsGradient ? try Tensor(shape: x.shape) : nil
            try layers.backward(gradient, source: source, wide: wide, dx: dx)
            if let dx { tape.accumulate(dx, for: x) }
            if let addend { tape.accumulate(gradient, for: addend) }
        }
        return y
    }
}
