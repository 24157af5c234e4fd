/// Recognises a known word with a letter too many, too few, wrong, or two of them swapped.
struct Spelling: Sendable {
    /// Shorter words have too many neighbours.
    static let shortest = 5

    private let known: Set<String>
    /// Candidates by length, as bytes.
    private let byLength: [Int: [[UInt8]]]

    /// - Parameters:
    ///   - words: the words to correct to.
    ///   - known: words that are right as they stand, besides `words`.
    init(words: Set<String>, known: Set<String>) {
        self.known = known.union(words)
        var byLength = [Int: [[UInt8]]]()
        for word in words.sorted() where word.utf8.count >= Self.shortest && word.utf8.allSatisfy({ $0 < 0x80 }) {
            byLength[word.utf8.count, default: []].append(Array(word.utf8))
        }
        self.byLength = byLength
    }

    /// The known word that `word` was meant to be; nil when it is known, or no single one is near enough.
    func correction(of word: String) -> String? {
        guard !known.contains(word) else { return nil }
        let bytes = Array(word.utf8)
        let allowed = bytes.count >= 12 ? 2 : 1
        for length in [bytes.count, bytes.count + 1, bytes.count - 1] + (allowed > 1 ? [bytes.count + 2] : []) {
            for candidate in byLength[length] ?? []
            where candidate.first == bytes.first && Self.distance(candidate, bytes, limit: allowed) <= allowed {
                // A plural or an inflection is another form, not a slip.
                guard !word.hasPrefix(String(decoding: candidate, as: UTF8.self)) else { continue }
                return String(decoding: candidate, as: UTF8.self)
            }
        }
        return nil
    }

    /// The optimal string alignment distance (Damerau-Levenshtein without repeated edits), or more than `limit`.
    static func distance(_ left: [UInt8], _ right: [UInt8], limit: Int) -> Int {
        if abs(left.count - right.count) > limit { return limit + 1 }
        var beforeLast = [Int](repeating: 0, count: right.count + 1)
        var last = Array(0...right.count)
        for row in 0..<left.count {
            var current = [row + 1] + [Int](repeating: 0, count: right.count)
            for column in 0..<right.count {
                let substitution = last[column] + (left[row] == right[column] ? 0 : 1)
                var best = min(substitution, last[column + 1] + 1, current[column] + 1)
                if row > 0, column > 0, left[row] == right[column - 1], left[row - 1] == right[column] {
                    best = min(best, beforeLast[column - 1] + 1)
                }
                current[column + 1] = best
            }
            (beforeLast, last) = (last, current)
        }
        return last[right.count]
    }
}
