extension Lexicon {
    /// A copy that writes out the letters of a form: `A: 8 mm Is` becomes the ascending colon.
    ///
    /// A letter is a segment only where the report sets out several of them, each at the head of a line, a cell or a
    /// field: alone it may be a jar, a list mark or a patient's initial.
    func namingSegments(_ tokens: [Token]) -> [Token] {
        guard !segments.isEmpty else { return tokens }
        let tokens = namingHanSegments(tokens)
        let heads = tokens.indices.filter { isSegmentHead($0, in: tokens) }
        // "S: … D: … R: …" are also the parts of a note: the ascending and the transverse colon tell a list of segments.
        let letters = Set(heads.map { tokens[$0].text })
        guard letters.count >= Self.fewestSegments, letters.isSuperset(of: ["a", "t"]) else { return tokens }
        return spelled(tokens, at: heads)
    }

    private func spelled(_ tokens: [Token], at heads: [Int]) -> [Token] {
        let places = Set(heads)
        return tokens.indices.flatMap { index -> [Token] in
            guard places.contains(index), let name = segments[tokens[index].text] else { return [tokens[index]] }
            return name.enumerated().map { order, part in
                var token = tokens[index]
                token.text = part.text
                token.kind = part.kind
                if order > 0 { token.isSpaced = false; token.startsColumn = false }
                return token
            }
        }
    }

    /// `升2枚、横1枚、乙2枚`: a list of segments by their first characters, each with a number or a length behind it.
    private func namingHanSegments(_ tokens: [Token]) -> [Token] {
        guard countsByClassifier else { return tokens }
        let heads = tokens.indices.filter { index in
            guard tokens[index].kind == .han, segments[tokens[index].text] != nil, index + 2 < tokens.count else { return false }
            let opens = index == 0 || [.newline, .symbol].contains(tokens[index - 1].kind) || tokens[index].isSpaced
            let next = tokens[index + 1]
            return opens && (next.kind == .number || next.kind == .han && numbers[next.text] != nil)
        }
        guard Set(heads.map { tokens[$0].text }).count >= 2 else { return tokens }
        return spelled(tokens, at: heads)
    }

    private static let fewestSegments = 3

    private func isSegmentHead(_ index: Int, in tokens: [Token]) -> Bool {
        let token = tokens[index]
        guard token.kind == .word, token.isCapitalised, token.end - token.start == 1, segments[token.text] != nil else { return false }
        let opens =
            index == 0 || token.startsColumn || [.newline, .symbol].contains(tokens[index - 1].kind) && tokens[index - 1].text != "("
        guard opens, index + 1 < tokens.count else { return false }
        let next = tokens[index + 1]
        return [":", "|", "=", "-"].contains(next.text) && next.kind == .symbol || next.startsColumn || next.kind == .number
    }
}
