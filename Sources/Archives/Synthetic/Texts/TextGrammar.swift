import Imaging

/// Sentences with choices: `{a|b}` is one of its parts, which may hold choices themselves and may be empty; `<slot>` is
/// replaced by its value.
package struct TextGrammar {
    package let slots: [String: String]

    package init(slots: [String: String]) { self.slots = slots }

    package func expand(_ pattern: String, using generator: inout SeededGenerator) -> String {
        var place = pattern.startIndex
        return expandParts(pattern, &place, using: &generator, isNested: false)
    }

    /// Reads up to the end, or inside a choice up to its closing brace; every part is expanded, one is kept, so that
    /// draws do not depend on the choice.
    private func expandParts(
        _ pattern: String, _ place: inout String.Index, using generator: inout SeededGenerator, isNested: Bool
    ) -> String {
        var parts = [""]
        while place < pattern.endIndex {
            let character = pattern[place]
            place = pattern.index(after: place)
            switch character {
            case "{":
                parts[parts.count - 1] += expandParts(pattern, &place, using: &generator, isNested: true)
            case "}" where isNested:
                return generator.pick(parts) ?? ""
            case "|" where isNested:
                parts.append("")
            case "<":
                let end = pattern[place...].firstIndex(of: ">") ?? pattern.endIndex
                parts[parts.count - 1] += slots[String(pattern[place..<end])] ?? ""
                place = end < pattern.endIndex ? pattern.index(after: end) : end
            default:
                parts[parts.count - 1].append(character)
            }
        }
        return parts.joined(separator: "|")
    }
}
