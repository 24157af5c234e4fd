/// A length said in a statement: `6 mm`, `0.4×0.5cm`, `2, 3 and 3 mm`, `eight to ten millimetres`.
struct Measure: Sendable {
    /// Millimetres, one for each lesion of a list; of a range or of several dimensions the largest.
    var values: [Double]
    var range: Range<Int>

    var largest: Double { values.max() ?? 0 }
}

extension Lexicon {
    private enum Join { case list, range, product }

    private static let joins: [String: Join] = [
        ",": .list, "、": .list, "and": .list, "und": .list, "u": .list, "&": .list, "/": .list, "和": .list,
        "及": .list, "+": .list, "-": .range, "~": .range, "to": .range, "bis": .range, "至": .range,
        "到": .range, "x": .product, "*": .product, "by": .product, "mal": .product,
    ]

    /// The lengths in `tokens`, except numbers that `taken` says belong to something else.
    func measures(in tokens: ArraySlice<Token>, taken: (Int) -> Bool) -> [Measure] {
        var measures = [Measure]()
        var position = tokens.startIndex
        while position < tokens.endIndex {
            if !taken(position), let measure = measure(in: tokens, at: position, taken: taken) {
                measures.append(measure)
                position = measure.range.upperBound
            } else {
                position += 1
            }
        }
        return measures
    }

    /// The value of the number, in digits or words, at `position`.
    func numeral(in tokens: ArraySlice<Token>, at position: Int) -> Double? {
        guard position < tokens.endIndex else { return nil }
        let token = tokens[position]
        return token.kind == .number ? token.value : numbers[token.text]
    }

    private func measure(in tokens: ArraySlice<Token>, at start: Int, taken: (Int) -> Bool) -> Measure? {
        // "x2; 3-5 mm", "n=3": a count.
        if start > tokens.startIndex, ["x", "*", "="].contains(tokens[start - 1].text), unit(in: tokens, at: start + 1) == nil,
            start - 1 == tokens.startIndex || tokens[start - 2].kind != .number && units[tokens[start - 2].text] == nil
        {
            return nil
        }
        guard numeral(in: tokens, at: start) != nil, !isTimes(in: tokens, at: start), !isOneBeforeSize(in: tokens, at: start) else {
            return nil
        }
        var groups: [[Double]] = []
        var pending: [Double] = []
        var position = start
        var join = Join.list
        var end: Int?
        while let value = numeral(in: tokens, at: position), !taken(position) {
            if join == .list || (pending.isEmpty && groups.isEmpty) {
                pending.append(value)
            } else if let last = pending.popLast() {
                pending.append(max(last, value))
            } else if let last = groups.popLast() {
                // The unit was said after the first number too: `1.2 cm x 0.8 cm`. In millimetres already.
                groups.append(last)
                pending.append(value)
            }
            position += 1
            if position < tokens.endIndex,
                articles.contains(tokens[position].text), value < 1
            {
                position += 1
            }
            if let (unit, after) = unit(in: tokens, at: position) {
                let scaled = pending.map { $0 * unit }
                if join != .list, let last = groups.popLast() {
                    groups.append(Array(last.dropLast()) + [max(last.last ?? 0, scaled.first ?? 0)] + scaled.dropFirst())
                } else {
                    groups.append(scaled)
                }
                pending = []
                end = after
                position = after
            }
            guard let (next, after) = joined(in: tokens, at: position) else { break }
            join = next
            position = after
        }
        guard let end, !groups.isEmpty else { return nil }
        return Measure(values: groups.flatMap { $0 }, range: start..<end)
    }

    /// "2 x 4 mm": two of four millimetres, as dimensions are said with the longer one first.
    func isTimes(in tokens: ArraySlice<Token>, at start: Int) -> Bool {
        guard start + 2 < tokens.endIndex, tokens[start].kind == .number, tokens[start + 1].text == "x", tokens[start + 1].isSpaced,
            tokens[start + 2].kind == .number, tokens[start].value <= 5, tokens[start].value == tokens[start].value.rounded()
        else { return false }
        return tokens[start].value < tokens[start + 2].value
            && (start == tokens.startIndex || !["x", "*", "a"].contains(tokens[start - 1].text) && tokens[start - 1].kind != .number)
    }

    /// "One to 7 mm": one polyp of up to seven.
    func isOneBeforeSize(in tokens: ArraySlice<Token>, at start: Int) -> Bool {
        tokens[start].kind == .word && numbers[tokens[start].text] == 1 && start + 2 < tokens.endIndex
            && (Self.joins[tokens[start + 1].text] == .range || tokens[start + 1].text == ",") && tokens[start + 2].kind == .number
    }

    private func unit(in tokens: ArraySlice<Token>, at position: Int) -> (Double, end: Int)? {
        var position = position
        if position < tokens.endIndex, tokens[position].text == "-" { position += 1 }
        guard position < tokens.endIndex else { return nil }
        let unit: Double
        if let short = units[tokens[position].text] {
            unit = short
            position += 1
        } else if tokens[position].kind == .han, position + 1 < tokens.endIndex,
            let long = units[tokens[position].text + tokens[position + 1].text]
        {
            unit = long
            position += 2
        } else {
            return nil
        }
        if position + 1 < tokens.endIndex, tokens[position].text == ".", let next = tokens[position...].dropFirst().first,
            next.kind == .word, !next.isCapitalised
        {
            position += 1
        }
        return (unit, position)
    }

    /// Marks and words between two numbers of one measure.
    private func joined(in tokens: ArraySlice<Token>, at position: Int) -> (Join, end: Int)? {
        guard position < tokens.endIndex, let join = Self.joins[tokens[position].text] else { return nil }
        var end = position + 1
        var result = join
        while end < tokens.endIndex, end - position < 3 {
            if let more = Self.joins[tokens[end].text] {
                if more != .list { result = more }
                end += 1
            } else if tokens[end].text == "." {
                end += 1
            } else {
                break
            }
        }
        guard numeral(in: tokens, at: end) != nil, !articles.contains(tokens[end].text) else { return nil }
        return (result, end)
    }
}
