import Foundation

/// A relative path of folders, for names as people write them: case, spaces, `_` and `-` do not count, alternatives are
/// divided by `|`, and one `*` a component stands for any name. `$1` is what the first `*` of another pattern stood for.
struct PathPattern: Sendable, Hashable {
    let components: [String]

    init(_ text: String) { components = text.isEmpty ? [] : text.split(separator: "/").map(String.init) }

    /// A name as it is compared.
    static func folded(_ name: String) -> String {
        name.precomposedStringWithCanonicalMapping.lowercased().filter { !isSeparator($0) }
    }

    private static func isSeparator(_ character: Character) -> Bool { " _-".contains(character) }

    /// What `*` stands for in a name, without separators around it; an empty list where the pattern has no `*` and
    /// is the name; nil where it does not fit.
    static func captures(_ component: String, _ name: String) -> [String]? {
        for alternative in component.split(separator: "|") {
            guard let star = alternative.firstIndex(of: "*") else {
                if folded(String(alternative)) == folded(name) { return [] }
                continue
            }
            let head = folded(String(alternative[..<star]))
            let tail = folded(String(alternative[alternative.index(after: star)...]))
            if let captured = middle(of: name, head: head, tail: tail) { return [captured] }
        }
        return nil
    }

    /// The pattern with `$n` replaced.
    func filled(with captures: [String]) -> PathPattern {
        var filled = self
        filled.replace(captures)
        return filled
    }

    private init(components: [String]) { self.components = components }

    private mutating func replace(_ captures: [String]) {
        self = PathPattern(
            components: components.map { component in
                captures.enumerated().reduce(component) { $0.replacing("$\($1.offset + 1)", with: $1.element) }
            })
    }

    private static func middle(of name: String, head: String, tail: String) -> String? {
        var start = name.startIndex
        while start < name.endIndex, folded(String(name[..<start])).count < head.count { start = name.index(after: start) }
        guard folded(String(name[..<start])) == head else { return nil }
        var end = name.endIndex
        while end > start, folded(String(name[end...])).count < tail.count { end = name.index(before: end) }
        guard folded(String(name[end...])) == tail else { return nil }
        var captured = name[start..<end]
        while let first = captured.first, isSeparator(first) { captured = captured.dropFirst() }
        while let last = captured.last, isSeparator(last) { captured = captured.dropLast() }
        return captured.isEmpty ? nil : String(captured)
    }
}
