import COneDNN

extension Tensor {
    /// A new tensor, each number times `factor`.
    public func scaled(by factor: Float) throws -> Tensor {
        let made = try Tensor(shape: shape)
        made.pointer.update(from: pointer, count: count)
        nn_scale(made.pointer, factor, Int64(count))
        return made
    }

    /// Whether no number is NaN or infinite (nor so large that its square is, in double).
    public var isFinite: Bool { nn_sum_of_squares(pointer, Int64(count)).isFinite }
}
