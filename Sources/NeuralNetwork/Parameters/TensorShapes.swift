/// Names and shapes of tensors without their numbers: enough to tell which network they are of.
public struct TensorShapes: Sendable, Equatable {
    private let shapes: [String: [Int]]

    /// Of tensors whose names are unique; their values are not looked at.
    init(_ entries: [ParameterSet.Entry]) {
        shapes = Dictionary(entries.lazy.map { ($0.name, $0.shape) }, uniquingKeysWith: { first, _ in first })
    }

    /// The extent of each dimension of the tensor called `name`; nil where there is none.
    public subscript(name: String) -> [Int]? { shapes[name] }

    /// In no order.
    public var names: some Collection<String> { shapes.keys }
}

extension ParameterSet {
    public var shapes: TensorShapes { TensorShapes(entries) }
}
