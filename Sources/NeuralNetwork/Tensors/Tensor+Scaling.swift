import COneDNN

extension Tensor {
    /// A new tensor, each number times `factor`.
    public func scaled(by factor: Float) throws -> Tensor {
        let made = try Tensor(shape: shape)
        made.pointer.update(from: pointer, count: count)
        nn_scale(made.pointer, factor, Int64(count))
        return made
    }
}
