/// Goes through the tree of a pickle without trusting it: it may be deep, refer to itself, or share a subtree often.
enum PickleWalk {
    /// As deep as checkpoints ever are, and then some.
    static let depthLimit = 64
    static let visitLimit = 10_000_000

    /// Calls `body` with each leaf (anything but a dict, list or tuple) and the path of keys to it.
    static func visit(
        _ root: PickleValue, at path: [String] = [], _ body: ([String], PickleValue) throws -> Void
    ) throws {
        var visits = 0
        try visit(root, path, &visits, body)
    }

    private static func visit(
        _ value: PickleValue, _ path: [String], _ visits: inout Int, _ body: ([String], PickleValue) throws -> Void
    ) throws {
        visits += 1
        guard path.count <= depthLimit, visits <= visitLimit else {
            throw ParameterError(
                .malformedFile, "the pickle nests more than \(depthLimit) deep, or repeats itself without end")
        }
        switch value {
        case .dictionary(let dictionary):
            for (key, child) in dictionary.pairs { try visit(child, path + [label(of: key)], &visits, body) }
        case .object(let object) where object.pairs != nil:
            for (key, child) in object.pairs?.pairs ?? [] { try visit(child, path + [label(of: key)], &visits, body) }
        case .list(let list), .tuple(let list):
            for (index, child) in list.items.enumerated() { try visit(child, path + [String(index)], &visits, body) }
        default: try body(path, value)
        }
    }

    static func label(of key: PickleValue) -> String {
        switch key {
        case .string(let text): text
        case .integer(let number): String(number)
        default: "(\(key.kind))"
        }
    }
}
