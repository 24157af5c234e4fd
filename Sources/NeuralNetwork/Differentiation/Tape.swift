import COneDNN

/// What a recording pass did, in order, so that gradients can be carried back through it once.
public final class Tape {
    private struct Step {
        var output: Tensor
        /// Parameters that no step before this one reads: behind it their gradients are whole.
        var completes: [Parameter]
        var backward: (Tensor) throws -> Void
    }

    private var steps: [Step] = []
    private var gradients: [ObjectIdentifier: Tensor] = [:]
    private var read: Set<ObjectIdentifier> = []

    public init() {}

    /// Remembers how to get from the gradient of `output` to those of what it was made from. The gradient handed
    /// to `backward` belongs to it alone: it may be overwritten, or passed on by `accumulate`. `parameters`: those whose
    /// gradients it adds to.
    func record(_ output: Tensor, parameters: [Parameter?] = [], backward: @escaping (Tensor) throws -> Void) {
        output.needsGradient = true
        let completes = parameters.compactMap { $0 }.filter { read.insert(ObjectIdentifier($0)).inserted }
        steps.append(Step(output: output, completes: completes, backward: backward))
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
    /// Activations are let go on the way; a tape runs once. `completed` gets each parameter that a gradient reached as
    /// soon as it is whole and nothing more reads the parameter's values: who changes them there and then needs no memory for
    /// all gradients at a time.
    public func backward(
        from roots: [(tensor: Tensor, gradient: Tensor)], completed: ((Parameter) throws -> Void)? = nil
    ) throws {
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
            guard let completed else { continue }
            for parameter in step.completes where parameter.gradientPointer != nil { try completed(parameter) }
        }
    }

    /// The gradient of a watched tensor, after `backward`.
    public func gradient(of tensor: Tensor) -> Tensor? { gradients[ObjectIdentifier(tensor)] }
}
