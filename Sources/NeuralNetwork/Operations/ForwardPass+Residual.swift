import COneDNN

extension ForwardPass {
    /// What a kernel adds its results to: a tensor that holds `addend`, or anything where there is none. The addend's own
    /// memory where `overwriting` says that nobody else reads it any more.
    static func tensor(
        holding addend: Tensor?, shape: [Int], precision: Precision, overwriting: Bool
    ) throws -> Tensor {
        if let addend, overwriting, addend.precision == precision { return try Tensor(sharing: addend, shape: shape) }
        let made = try Tensor(shape: shape, precision: precision)
        if let addend { try copy(addend, to: made) }
        return made
    }

    /// The numbers of `x` into `y`, in y's precision.
    static func copy(_ x: Tensor, to y: Tensor) throws {
        let source = try x.converted(to: y.precision)
        nn_copy(source.memory.base, y.memory.base, Int64(y.count * y.precision.bytes))
    }
}
