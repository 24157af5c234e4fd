/// Names and shapes of tensors without their numbers: enough to tell which network they are of.
public struct TensorShapes: Sendable, Equatable {
    private let shapes: [String: [Int]]

    /// Of tensors whose names are unique; their values are not looked at.
    init(_ entries: [ParameterSet.Entry]) {
        shapes = Dictionary(entries.lazy.map { ($0.name, $0.shape) }, uniquingKeysWith: { first, _ in first })
    }

    private init(_ shapes: [String: [Int]]) { self.shapes = shapes }

    /// Those whose names begin with `prefix`, which is taken off.
    package func below(_ prefix: String) -> TensorShapes {
        guard !prefix.isEmpty else { return self }
        var found: [String: [Int]] = [:]
        for (name, shape) in shapes where name.hasPrefix(prefix) && name.utf8.count > prefix.utf8.count {
            found[String(name.dropFirst(prefix.count))] = shape
        }
        return TensorShapes(found)
    }

    /// Those whose names begin with none of `prefixes`.
    package func without(_ prefixes: [String]) -> TensorShapes {
        TensorShapes(shapes.filter { entry in !prefixes.contains { entry.key.hasPrefix($0) } })
    }

    /// The extent of each dimension of the tensor called `name`; nil where there is none.
    public subscript(name: String) -> [Int]? { shapes[name] }

    /// In no order.
    public var names: some Collection<String> { shapes.keys }
}

extension ParameterSet {
    public var shapes: TensorShapes { TensorShapes(entries) }
}
