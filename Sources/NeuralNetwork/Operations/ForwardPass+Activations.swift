import COneDNN

extension ForwardPass {
    /// x·Φ(x) with Φ by the error function.
    public func gelu(_ x: Tensor) throws -> Tensor {
        let x = try float32(x)
        let y = try Tensor(shape: x.shape)
        nn_gelu(x.pointer, y.pointer, Int64(x.count))
        let tape = records([x])
        tape?.record(y) { gradient in
            nn_gelu_backward(x.pointer, gradient.pointer, gradient.pointer, Int64(x.count))
            tape?.accumulate(gradient, for: x)
        }
        return y
    }

    /// The function named, recorded as an operation of its own.
    public func activated(_ x: Tensor, _ function: PostOperation) throws -> Tensor {
        switch function {
        case .none: x
        case .relu: try relu(float32(x))
        case .tanh: try tanh(float32(x))
        case .geluErf: try gelu(x)
        case .relu6: try relu6(float32(x))
        }
    }

    /// a + b, of one shape.
    public func sum(_ a: Tensor, _ b: Tensor) throws -> Tensor {
        let (a, b) = try Self.pair(a, b, "added")
        let y = try Tensor(shape: a.shape)
        nn_sum(a.pointer, b.pointer, y.pointer, Int64(a.count))
        let tape = records([a, b])
        tape?.record(y) { gradient in
            // Each side owns what it is given: a copy for one of them where both want it.
            if a.needsGradient, b.needsGradient {
                tape?.accumulate(try Tensor.copy(of: gradient), for: b)
                tape?.accumulate(gradient, for: a)
            } else {
                tape?.accumulate(gradient, for: a.needsGradient ? a : b)
            }
        }
        return y
    }

    /// a · b, number by number, of one shape.
    public func product(_ a: Tensor, _ b: Tensor) throws -> Tensor {
        let (a, b) = try Self.pair(a, b, "multiplied")
        let y = try Tensor(shape: a.shape)
        nn_product(a.pointer, b.pointer, y.pointer, Int64(a.count))
        let tape = records([a, b])
        tape?.record(y) { gradient in
            if a.needsGradient {
                let da = try Tensor(shape: a.shape)
                nn_product(gradient.pointer, b.pointer, da.pointer, Int64(a.count))
                tape?.accumulate(da, for: a)
            }
            if b.needsGradient {
                nn_product(gradient.pointer, a.pointer, gradient.pointer, Int64(a.count))
                tape?.accumulate(gradient, for: b)
            }
        }
        return y
    }

    private static func pair(_ a: Tensor, _ b: Tensor, _ verb: String) throws -> (Tensor, Tensor) {
        guard a.shape == b.shape else {
            throw EngineError(.shapeMismatch, "tensors of \(a.shape) and \(b.shape) cannot be \(verb)")
        }
        return (try a.converted(to: .float32), try b.converted(to: .float32))
    }
}

extension Tensor {
    /// The same numbers in memory of their own.
    static func copy(of other: Tensor) throws -> Tensor {
        let made = try Tensor(shape: other.shape, precision: other.precision)
        made.memory.base.copyMemory(from: other.memory.base, byteCount: other.count * other.precision.bytes)
        return made
    }
}
