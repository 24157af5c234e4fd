import COneDNN

/// What a recording pass did, in order, so that gradients can be carried back through it once.
public final class Tape {
    private struct Step {
        var output: Tensor
        var backward: (Tensor) throws -> Void
    }

    private var steps: [Step] = []
    private var gradients: [ObjectIdentifier: Tensor] = [:]

    public init() {}

    /// Remembers how to get from the gradient of `output` to those of what it was made from. The gradient handed
    /// to `backward` belongs to it alone: it may be overwritten, or passed on by `accumulate`.
    func record(_ output: Tensor, backward: @escaping (Tensor) throws -> Void) {
        output.needsGradient = true
        steps.append(Step(output: output, backward: backward))
    }

    /// Adds `gradient` to that of `tensor`. The tape owns it from then on.
    func accumulate(_ gradient: Tensor, for tensor: Tensor) {
        guard tensor.needsGradient else { return }
        let key = ObjectIdentifier(tensor)
        if let present = gradients[key] {
            nn_add(present.pointer, gradient.pointer, Int64(gradient.count))
        } else {
            gradients[key] = gradient
        }
    }

    /// Gradients are wanted for `tensor`, an input: they are found by `gradient(of:)` after `backward`.
    public func watch(_ tensor: Tensor) { tensor.needsGradient = true }

    /// Carries the gradients given (each of its tensor's shape) back to all parameters and watched tensors.
    /// Activations are let go on the way; a tape runs once.
    public func backward(from roots: [(tensor: Tensor, gradient: Tensor)]) throws {
        for root in roots {
            guard root.tensor.shape == root.gradient.shape else {
                throw EngineError(
                    .shapeMismatch, "a gradient of \(root.gradient.shape) for a tensor of \(root.tensor.shape)")
            }
            // A copy: the root's gradient stays the caller's.
            accumulate(try Tensor(root.gradient.values, shape: root.gradient.shape), for: root.tensor)
        }
        while let step = steps.popLast() {
            if let gradient = gradients.removeValue(forKey: ObjectIdentifier(step.output)) {
                try step.backward(gradient)
            }
        }
    }

    /// The gradient of a watched tensor, after `backward`.
    public func gradient(of tensor: Tensor) -> Tensor? { gradients[ObjectIdentifier(tensor)] }
}
