/// Cuts a report into sections and statements.
///
/// Headers are those of the lexicon, in front of a colon, in brackets, or alone on a line. Statements end at full
/// stops, semicolons, line ends (unless the line was only wrapped) and list marks.
struct Segmenter {
    private let lexicon: Lexicon
    private(set) var tokens: [Token]
    private var statements: [Statement] = []

    // Where the walk stands.
    private var section = Section.findings
    private var isUpper = false
    /// The section ends with the line in which it began: `Indication: …`.
    private var sectionEndsWithLine = false
    private var isFirstOfSection = false
    private var columnUnits: [Int: Double] = [:]
    private var countColumn: Int?

    /// Tokens after which a statement ends at the next comma.
    private static let longestStatement = 160
    /// Characters after which a wrapped line is believed to be wrapped.
    private static let wrapWidth = 45
    /// The same, where the next line begins with "of" or "a".
    private static let shortWidth = 25

    init(_ tokens: [Token], lexicon: Lexicon) {
        self.lexicon = lexicon
        self.tokens = Self.unwrapped(tokens, lexicon: lexicon)
    }

    mutating func segment() -> [Statement] {
        var position = 0
        var line = 0
        var blankBefore = false
        while position < tokens.count {
            var end = position
            while end < tokens.count, tokens[end].kind != .newline { end += 1 }
            if end == position {
                blankBefore = true
                columnUnits = [:]
                countColumn = nil
            } else {
                readLine(position..<end, number: line, blankBefore: blankBefore)
                blankBefore = false
                line += 1
            }
            position = end + 1
        }
        return statements
    }

    // MARK: Lines

    private mutating func readLine(_ range: Range<Int>, number: Int, blankBefore: Bool) {
        let (content, isItem) = afterBullet(range)
        guard !content.isEmpty else { return }
        let header = header(at: content.lowerBound, in: content, opensLine: true)
        if header == nil, Self.isAside(section) {
            let opensWithSite =
                lexicon.phrases.longest(in: tokens[content], at: content.lowerBound)?
                .values.contains { $0.concept == .site } ?? false
            if (sectionEndsWithLine && !isItem) || (blankBefore && !isItem) || opensWithSite { section = .findings }
        }
        if readTableHeader(content) { return }
        var start = content.lowerBound
        var opensLine = true
        if let header {
            enter(header.section, endsWithLine: header.end < content.upperBound)
            start = header.end
        }
        var position = start
        while position < content.upperBound {
            if position > content.lowerBound, isStatementStart(position, from: start, in: content),
                let inner = self.header(at: position, in: content, opensLine: false)
            {
                append(start..<position, number, &opensLine)
                enter(inner.section, endsWithLine: true)
                start = inner.end
                position = inner.end
                continue
            }
            if let stop = statementEnd(at: position, from: start, in: content) {
                append(start..<stop.end, number, &opensLine)
                start = stop.next
                position = stop.next
                continue
            }
            position += 1
        }
        append(start..<content.upperBound, number, &opensLine)
    }

    private mutating func append(_ range: Range<Int>, _ line: Int, _ opensLine: inout Bool) {
        let range = withoutListMark(range)
        guard range.contains(where: { tokens[$0].kind != .symbol }) else { return }
        if sectionEndsWithLine, Self.isAside(section), section != .plan, !isFirstOfSection, tellsExamination(range) {
            section = .findings
        }
        isFirstOfSection = false
        // "Complications: a little oozing after EMR of the 18 mm polyp of the ascending colon".
        let told = section == .other && describesRemoval(range) ? Section.findings : section
        statements.append(
            Statement(
                range: range, section: told, isUpper: isUpper, line: line, opensLine: opensLine,
                columnUnits: columnUnits, countColumn: countColumn))
        opensLine = false
    }

    /// "Indication: bleeding. Scope passed to the caecum. …": in one paragraph, the examination ends the aside.
    private func tellsExamination(_ range: Range<Int>) -> Bool {
        let concepts = Set(lexicon.tags(in: tokens[range]).map(\.concept))
        guard concepts.isDisjoint(with: [.history, .hypothetical, .aftermath]) else { return false }
        if section == .pathology, !concepts.isDisjoint(with: [.histology]) { return false }
        if concepts.contains(.course) { return true }
        // What is said of preparation or sedation is said in a sentence; a story may be longer.
        if section == .other || section == .pathology { return !concepts.isDisjoint(with: [.site, .normal, .lookalike]) }
        // A question is asked in a sentence too; what has a place, a size and a shape or a snare was found.
        guard section == .indication, concepts.isDisjoint(with: [.reported, .possible, .undecided, .family, .former]) else { return false }
        let isDescribed = !concepts.isDisjoint(with: [.resection, .morphology, .classification]) || hasMeasure(in: range)
        return concepts.contains(.site) && (isDescribed || concepts.contains(.normal)) || concepts.contains(.polyp) && isDescribed
            || concepts.contains(.negation) && concepts.contains(.polyp)
    }

    private func describesRemoval(_ range: Range<Int>) -> Bool {
        let concepts = Set(lexicon.tags(in: tokens[range]).map(\.concept))
        return concepts.isSuperset(of: [.polyp, .site]) && !concepts.isDisjoint(with: [.aftermath, .resection]) && hasMeasure(in: range)
            && concepts.isDisjoint(with: [.history, .hypothetical, .reported])
    }

    private func hasMeasure(in range: Range<Int>) -> Bool {
        range.dropFirst().contains { tokens[$0 - 1].kind == .number && lexicon.units[tokens[$0].text] != nil }
    }

    /// A statement without the number in front of it: `1)`, `2.`, `#3`.
    private func withoutListMark(_ range: Range<Int>) -> Range<Int> {
        var start = range.lowerBound
        if start < range.upperBound, tokens[start].text == "(" || tokens[start].text == "#" { start += 1 }
        // `1  ascending  7 mm`: the number of a table's row.
        let columns = columnStarts(of: range)
        if columns.count > 2, columns[0].count == 1, tokens[start].kind == .number, tokens[start].value < 60, start == range.lowerBound {
            return columns[1].lowerBound..<range.upperBound
        }
        guard start + 1 < range.upperBound, tokens[start].kind == .number, tokens[start].value < 60,
            [")", ".", "、"].contains(tokens[start + 1].text) || tokens[range.lowerBound].text == "#"
        else { return range }
        return start + ([")", ".", "、"].contains(tokens[start + 1].text) ? 2 : 1)..<range.upperBound
    }

    /// Sections that say nothing of what was seen.
    private static func isAside(_ section: Section) -> Bool {
        [.history, .indication, .plan, .other, .pathology].contains(section)
    }

    private mutating func enter(_ next: Section, endsWithLine: Bool) {
        sectionEndsWithLine = endsWithLine
        isFirstOfSection = true
        switch next {
        case .upper:
            isUpper = true
            section = .findings
        case .lower:
            isUpper = false
            section = .findings
        default:
            if next == .impression { isUpper = false }
            section = next
        }
    }

    /// A table's header names units (`Size (mm)`) and counts (`Number`); its words are no finding.
    private mutating func readTableHeader(_ range: Range<Int>) -> Bool {
        let columns = columnStarts(of: range)
        guard columns.count > 2 || range.contains(where: { tokens[$0].text == "|" }),
            !range.contains(where: { tokens[$0].kind == .number })
        else { return false }
        var units = [Int: Double]()
        var count: Int?
        for (number, column) in columns.enumerated() {
            for position in column { if let unit = lexicon.units[tokens[position].text] { units[number] = unit } }
            let title = tokens[column].filter { $0.kind != .symbol || $0.text == "#" }.map(\.text).joined()
            if lexicon.countColumns.contains(title), count == nil { count = number }
        }
        let namesPlace = lexicon.tags(in: tokens[range]).contains {
            $0.concept == .site || $0.concept == .normal || $0.concept == .negation
        }
        // The first column numbers the rows.
        if count == 0 { count = nil }
        guard !units.isEmpty || count != nil && !namesPlace else { return false }
        if !units.isEmpty { columnUnits = units }
        countColumn = count
        return !namesPlace
    }

    private func columnStarts(of range: Range<Int>) -> [Range<Int>] { TableRow.columns(of: range, in: tokens) }

    // MARK: Headers

    /// The header at `position` and where its content begins.
    private func header(at position: Int, in range: Range<Int>, opensLine: Bool) -> (section: Section, end: Int)? {
        var start = position
        while start < range.upperBound, ["[", "<", "*", "#", "="].contains(tokens[start].text), tokens[start].kind == .symbol { start += 1 }
        guard start < range.upperBound, let found = lexicon.headers.longest(in: tokens[range], at: start),
            let section = found.values.first
        else { return nil }
        var end = start + found.length
        // A bracket with a remark may stand between the header and its colon.
        if end < range.upperBound, tokens[end].text == "(",
            let close = (end..<range.upperBound).first(where: { tokens[$0].text == ")" }), close - end < 16,
            close + 1 < range.upperBound, [":", "]"].contains(tokens[close + 1].text)
        {
            end = close + 1
        }
        let isBracketed = start > position
        if end == range.upperBound { return opensLine ? (section, end) : nil }
        if isBracketed, ["]", ">", "*"].contains(tokens[end].text) {
            end += 1
            if end < range.upperBound, tokens[end].text == ":" { end += 1 }
            return (section, end)
        }
        if tokens[end].text == ":" { return (section, end + 1) }
        guard opensLine else { return nil }
        let next = tokens[end].text
        if next == ".", end + 1 < range.upperBound, tokens[start].isCapitalised, found.length <= 2 { return (section, end + 1) }
        if next == "-", tokens[end].isSpaced { return (section, end + 1) }
        if tokens[end].startsColumn { return (section, end) }
        return nil
    }

    // MARK: Statements

    private func isStatementStart(_ position: Int, from start: Int, in range: Range<Int>) -> Bool {
        if position == start { return true }
        return tokens[position].startsColumn || tokens[position].text == "["
            || ["。", ".", ";", "!", "?"].contains(tokens[position - 1].text)
    }

    /// Whether a statement ends at `position`: its end, and where the next begins.
    private func statementEnd(at position: Int, from start: Int, in range: Range<Int>) -> (end: Int, next: Int)? {
        let text = tokens[position].text
        let next = position + 1
        switch text {
        case ";" where hasOpenBracket(in: start..<position) && tokens[next..<range.upperBound].prefix(40).contains { $0.text == ")" }:
            return nil
        case "。", ";", "!": return (next, next)
        // "?polyp ?stool": a mark in front of its word asks, and ends nothing.
        case "?"
        where next < range.upperBound && tokens[next].kind == .word && !tokens[next].isSpaced
            && (tokens[position].isSpaced || position == start || tokens[position - 1].kind == .symbol):
            return nil
        case "?":
            if hasOpenBracket(in: start..<position) || isAnswered(at: position, from: start, in: range) { return nil }
            // "Granulation? Adenoma?" weighs one thing: the questions stay together.
            let rest = tokens[next..<range.upperBound].prefix(10)
            if let end = rest.first(where: { ["?", "。", ".", ";", "!"].contains($0.text) }), end.text == "?" { return nil }
            return (next, next)
        case ".":
            guard next < range.upperBound else { return (next, next) }
            guard tokens[next].isSpaced || tokens[next].kind == .han || tokens[next].isCapitalised else { return nil }
            guard position > start else { return (next, next) }
            let before = tokens[position - 1]
            // "No.": a number where one follows, else an answer.
            let isAnswer =
                tokens[next].kind != .number
                && lexicon.phrases.has(in: tokens[position - 1..<position], at: position - 1) { $0.concept == .negation }
            if before.kind == .word, lexicon.abbreviations.contains(before.text), !isAnswer, !opensField(next, in: range) { return nil }
            if before.kind == .number, position - 1 == start { return nil }
            return (next, next)
        default:
            break
        }
        // A text without full stops is cut all the same: what follows grows with the square of a statement.
        if position - start >= Self.longestStatement, text == "," || position - start >= 2 * Self.longestStatement {
            return (position, position)
        }
        guard position > start, let scalar = text.unicodeScalars.first else { return nil }
        if (0x2460...0x2473).contains(scalar.value) || (0x2776...0x277F).contains(scalar.value) || text == "•" {
            return (position, next)
        }
        // "1) … 2) …" within a line.
        if tokens[position].kind == .number, next < range.upperBound, tokens[next].text == ")", !tokens[next].isSpaced,
            tokens[position].isSpaced || tokens[position - 1].text == ",", tokens[position].value < 30,
            !hasOpenBracket(in: start..<position)
        {
            return (position, position + 2)
        }
        return nil
    }

    /// "Caecum after 5 min. Descending: …": a place with a colon begins something, whatever the full stop belongs to.
    private func opensField(_ position: Int, in range: Range<Int>) -> Bool {
        guard let found = lexicon.phrases.longest(in: tokens[range], at: position), found.values.contains(where: { $0.concept == .site })
        else { return false }
        let end = position + found.length
        return end < range.upperBound && tokens[end].text == ":"
    }

    /// "Polyps? None.": the answer belongs to the question.
    private func isAnswered(at position: Int, from start: Int, in range: Range<Int>) -> Bool {
        guard position - start <= 10 else { return false }
        let answer = tokens[position + 1..<range.upperBound].prefix { !["?", ".", "。", ";", ",", "!"].contains($0.text) }
        guard (1...3).contains(answer.count) else { return false }
        return lexicon.tags(in: answer).contains {
            [.negation, .negationAfter, .positive].contains($0.concept) && $0.range.lowerBound == answer.startIndex
        }
    }

    private func hasOpenBracket(in range: Range<Int>) -> Bool {
        var depth = 0
        for position in range {
            if tokens[position].text == "(" { depth += 1 }
            if tokens[position].text == ")" { depth -= 1 }
        }
        return depth > 0
    }

    /// The line without its list mark, and whether it had one or was indented.
    private func afterBullet(_ range: Range<Int>) -> (content: Range<Int>, isItem: Bool) {
        var start = range.lowerBound
        var isItem = tokens[start].isSpaced
        while start < range.upperBound, tokens[start].kind == .symbol,
            !["[", "(", "☑", "□", "√", "<", "*", "#"].contains(tokens[start].text)
        {
            start += 1
            isItem = true
        }
        if start + 1 < range.upperBound, tokens[start].text == "*", tokens[start + 1].isSpaced {
            start += 1
            isItem = true
        }
        if start + 1 < range.upperBound,
            tokens[start].kind == .number || tokens[start].kind == .han && lexicon.numbers[tokens[start].text] != nil,
            [".", ")", "、"].contains(tokens[start + 1].text), tokens[start].value < 60
        {
            start += 2
            isItem = true
        }
        return (start..<range.upperBound, isItem)
    }

    // MARK: Wrapped lines

    /// The tokens without the newlines that only wrap a sentence.
    private static func unwrapped(_ tokens: [Token], lexicon: Lexicon) -> [Token] {
        var result = [Token]()
        result.reserveCapacity(tokens.count)
        var lineStart = 0
        for (index, token) in tokens.enumerated() {
            guard token.kind == .newline else {
                var token = token
                if index > 0, tokens[index - 1].kind == .newline { token.isSpaced = token.isSpaced || result.last?.kind != .newline }
                result.append(token)
                continue
            }
            if isWrap(at: index, lineStart: lineStart, in: tokens, lexicon: lexicon) {
                lineStart = index + 1
                continue
            }
            result.append(token)
            lineStart = index + 1
        }
        return result
    }

    private static func isWrap(at index: Int, lineStart: Int, in tokens: [Token], lexicon: Lexicon) -> Bool {
        guard index > lineStart, index + 1 < tokens.count else { return false }
        let last = tokens[index - 1]
        let next = tokens[index + 1]
        guard next.kind != .newline, ![".", "。", ":", ";", "!", "?"].contains(last.text) else { return false }
        let width = last.end - tokens[lineStart].start
        let columns = TableRow.columns(of: lineStart..<index, in: tokens)
        guard columns.count < 3 else { return false }
        var nextEnd = index + 1
        while nextEnd < tokens.count, tokens[nextEnd].kind != .newline { nextEnd += 1 }
        let nextLine = tokens[index + 1..<nextEnd]
        if lexicon.headers.longest(in: nextLine, at: index + 1) != nil, nextLine.contains(where: { $0.text == ":" }) {
            return false
        }
        // "A polyp measuring ⏎ 10 mm": a word that waits for another one.
        if next.kind == .word, !next.isCapitalised, lexicon.dangling.contains(next.text), nextLine.count <= 3 || width >= Self.shortWidth {
            return true
        }
        if lexicon.dangling.contains(last.text), !next.startsColumn {
            return !next.isCapitalised || next.kind != .word || lexicon.tokenizer.hasDecimalComma
        }
        if next.kind == .number, index + 2 < tokens.count, lexicon.units[tokens[index + 2].text] != nil { return false }
        if next.kind == .word {
            return !next.isCapitalised && (width >= wrapWidth || last.text == "," || last.text == "-") && !next.startsColumn
        }
        if next.kind == .han, last.kind == .han || last.text == "," || last.kind == .number {
            let isField =
                nextLine.prefix(8).contains { $0.text == ":" }
                || tokens[lineStart..<index].prefix(10).contains { $0.text == ":" }
            return width >= 28 && !isField && !next.startsColumn || last.text == ","
        }
        return next.kind == .number && width >= 60
    }
}

/// The columns of a table's row: parted by two blanks, a tab or a bar.
enum TableRow {
    static func columns(of range: Range<Int>, in tokens: [Token]) -> [Range<Int>] {
        var columns = [Range<Int>]()
        var start = range.lowerBound
        for position in range {
            if tokens[position].text == "|" {
                if start < position { columns.append(start..<position) }
                start = position + 1
            } else if position > start, tokens[position].startsColumn {
                columns.append(start..<position)
                start = position
            }
        }
        if start < range.upperBound { columns.append(start..<range.upperBound) }
        return columns
    }
}
