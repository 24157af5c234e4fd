import Foundation

/// Words that are no names, however they are written.
struct NameVocabulary: Sendable {
    private let words: Set<String>
    private let lexicons: Lexicons
    private let hanStops: [String]

    init(cues: PrivacyCues, lexicons: Lexicons) {
        let listed =
            cues.keep + cues.nameCues + cues.titles + cues.idCues + cues.phoneCues + cues.birthCues
            + cues.months + cues.addressCues
        words = Set(
            listed.flatMap { $0.lowercased().split(whereSeparator: { " .-'".contains($0) }).map(String.init) })
        self.lexicons = lexicons
        hanStops = cues.hanStops
    }

    func isOrdinary(_ word: String) -> Bool {
        let plain = word.lowercased().trimmingCharacters(in: CharacterSet(charactersIn: ".,'’-"))
        if plain.isEmpty || words.contains(plain) { return true }
        guard let folded = Tokenizer().tokens(of: plain).first?.text, Tokenizer().tokens(of: plain).count == 1 else {
            return false
        }
        return Language.allCases.contains { lexicons[$0]?.isOrdinary(folded) ?? false }
    }

    func isHanStop(_ text: String) -> Bool { hanStops.contains { text.hasPrefix($0) } }

    /// Whether Chinese characters say something that a lexicon knows.
    func isMedical(_ han: String) -> Bool {
        guard let lexicon = lexicons[.chinese] else { return false }
        let tokens = lexicon.tokenizer.tokens(of: han)
        return tokens.indices.contains { lexicon.phrases.longest(in: tokens[...], at: $0).map { $0.length > 1 } ?? false }
    }
}

extension Lexicon {
    func isOrdinary(_ word: String) -> Bool {
        phrases.knows(word) || common.contains(word) || numbers[word] != nil || units[word] != nil
    }
}

/// Where names stand: behind labels and titles, in salutations and signatures, as "SURNAME, First", as Chinese names.
struct NameRules: @unchecked Sendable {
    // Unchecked: NSRegularExpression is immutable and documented as safe to use from several threads.
    private let labelled: NSRegularExpression
    private let announced: NSRegularExpression
    private let titled: NSRegularExpression
    private let saluted: NSRegularExpression
    private let signed: NSRegularExpression
    private let inverted: NSRegularExpression
    private let pairs: NSRegularExpression
    private let hanLabelled: NSRegularExpression
    private let hanAnnounced: NSRegularExpression
    private let hanTitled: NSRegularExpression
    private let hanBare: NSRegularExpression

    init(_ cues: PrivacyCues) throws {
        func make(_ pattern: String, _ options: NSRegularExpression.Options = [.anchorsMatchLines]) throws -> NSRegularExpression {
            do { return try NSRegularExpression(pattern: pattern, options: options) } catch {
                throw ReportsError(.malformedLexicon, "a pattern of the de-identifier is wrong: \(error)")
            }
        }
        let particle = "(?:(?:von|van|vom|zu|zur|zum|de|der|den|del|della|di|da|dos|du|el|al|bin|ibn|la|le|ter|ten|af|av|y|ben)[ ]+)*"
        let word = particle + "(?:\\p{Lu}\\.|St\\.[ ]?\\p{Lu}[\\p{L}'’]+|\\p{Lu}[\\p{L}'’]*(?:-\\p{L}[\\p{L}'’]*)*)"
        let name = word + "(?:,?[ ]" + word + "){0,5}"
        let loose = "[\\p{L}][\\p{L}'’.-]*(?:,?[ ][\\p{L}][\\p{L}'’.-]*){0,5}"
        let names = PrivacyCues.choice(cues.nameCues)
        let start = "(?<![\\p{L}\\p{N}])"
        labelled = try make("(?i)" + start + names + "(?:\\(s\\))?[ \\t]*[:：=][ \\t]*(" + loose + ")")
        announced = try make(start + "(?i:" + names + ")(?i:[ ]+(?:is|was|ist|war))?[ ,]+(" + name + ")")
        let capitals = cues.titles.filter { $0.count > 2 || $0 == "Dr" || $0 == "Mr" || $0 == "Ms" }.map { $0.uppercased() }
        titled = try make(
            start + "(?:" + PrivacyCues.choice(cues.titles + capitals)
                + "(?=[ .])\\.?[ ]*)+(?:[ ]*(?:med|h\\.?c|rer|nat|phil|Prof|Dr)\\.?)*[ ]*(" + name + ")")
        saluted = try make(start + "(?i:" + PrivacyCues.choice(cues.salutations) + ")[ ]+(" + name + ")[ ]*(?=[,;:!\\n]|$)")
        signed = try make("(?i:" + PrivacyCues.choice(cues.closings) + ")[ \\t]*[,.!:]?[ \\t]*((?:[^\\n]*\\n?){1,5})")
        inverted = try make(start + "(\\p{Lu}{2,}(?:[-'’ ]\\p{Lu}{2,})*,[ ]*" + word + "(?:[ ]" + word + ")*)")
        pairs = try make(start + "(" + word + "(?:[ ]" + word + "){1,3})")

        let stops = PrivacyCues.choice(cues.hanStops)
        let single = "[" + cues.surnames + "]"
        let surname = "(?:" + PrivacyCues.choice(cues.compoundSurnames) + "[\\p{Han}]{1,2}|" + single + "[ ]?[\\p{Han}]{1,2})"
        let hanCue = PrivacyCues.choice(cues.hanCues)
        hanLabelled = try make(hanCue + "[ \\t]*[:：][ \\t　]*((?:(?!" + stops + ")[\\p{Han}·]){2,5}|[\\p{Han}][ ][\\p{Han}]{1,2})")
        hanAnnounced = try make(
            hanCue + "[ \\t　]*[（(]?(" + surname + "(?=[\\s,，、。;；)）(（:：]|男|女|先生|女士|配合|协助|操作|完成|主刀|执行|检查|\\d|$|" + stops
                + ")|" + PrivacyCues.choice(cues.compoundSurnames) + "[\\p{Han}]{2})")
        hanTitled = try make("(?<![\\p{Han}])(" + surname + "?)" + PrivacyCues.choice(cues.hanTitles))
        hanBare = try make("(?<=^|[\\s,，、。;；:：/|(（])(" + surname + ")(?=[\\s,，、。;；/|)）]|$)")
    }

    /// The ranges of names in `text`, and the names' words.
    func names(in text: String, vocabulary: NameVocabulary) -> (ranges: [NSRange], words: Set<String>) {
        let whole = NSString(string: text)
        var ranges = [NSRange]()
        var words = Set<String>()
        func take(_ range: NSRange, latin: Bool) {
            ranges.append(range)
            let found = whole.substring(with: range)
            if latin {
                for word in found.split(whereSeparator: { " ,.".contains($0) })
                where word.count >= 3 && !vocabulary.isOrdinary(String(word)) {
                    words.insert(String(word))
                }
            } else {
                words.insert(found)
            }
        }
        func each(_ expression: NSRegularExpression, _ body: (NSRange) -> Void) {
            for match in expression.matches(in: text, range: NSRange(location: 0, length: whole.length)) {
                let range = match.range(at: 1)
                if range.location != NSNotFound, range.length > 0 { body(range) }
            }
        }
        func takeLatin(_ range: NSRange, atLeast count: Int = 1) {
            if let range = leadingName(range, in: whole, vocabulary: vocabulary, atLeast: count) { take(range, latin: true) }
        }
        each(labelled) { takeLatin($0) }
        each(announced) { range in
            // In a text of capitals "PT DENIES" is no name.
            if isCapitals(before: range, in: whole) { return }
            takeLatin(range)
        }
        each(titled) { takeLatin($0) }
        each(saluted) { if !isCapitals(before: $0, in: whole) { takeLatin($0) } }
        each(inverted) { takeLatin($0, atLeast: 2) }
        each(signed) { range in
            for match in pairs.matches(in: text, range: range) { takeLatin(match.range(at: 1)) }
        }
        each(pairs) { range in
            if isCapitals(before: range, in: whole) || !whole.substring(with: range).contains(where: \.isLowercase) { return }
            takeLatin(range, atLeast: 2)
        }
        each(hanLabelled) { take($0, latin: false) }
        each(hanAnnounced) { if !vocabulary.isMedical(whole.substring(with: $0)) { take($0, latin: false) } }
        each(hanTitled) { if !vocabulary.isMedical(whole.substring(with: $0)) { take($0, latin: false) } }
        each(hanBare) { range in
            let line = whole.substring(with: whole.lineRange(for: range))
            let isIdentity = ["[ID]", "[PHONE]", "[DATE]", "男", "女", "岁"].contains { line.contains($0) }
            if isIdentity, !vocabulary.isMedical(whole.substring(with: range)), !vocabulary.isHanStop(whole.substring(with: range)) {
                take(range, latin: false)
            }
        }
        return (merged(ranges), words)
    }

    /// The part of `range` up to the first word that is no name; nil when fewer than `count` words are left.
    private func leadingName(_ range: NSRange, in whole: NSString, vocabulary: NameVocabulary, atLeast count: Int) -> NSRange? {
        let text = whole.substring(with: range)
        var start: String.Index?
        var end = text.startIndex
        var words = 0
        for part in text.split(whereSeparator: { " ,".contains($0) }) {
            let isInitial = part.count <= 2 && (part.last == "." || part.count == 1)
            let isParticle = part.first?.isLowercase ?? false
            if vocabulary.isOrdinary(String(part)), !isInitial, !(isParticle && start != nil && part.count <= 4) {
                if start == nil { continue }
                break
            }
            if start == nil { start = part.startIndex }
            end = part.endIndex
            if !isInitial { words += 1 }
        }
        guard let start, words >= count else { return nil }
        return NSRange(
            location: range.location + NSRange(text.startIndex..<start, in: text).length,
            length: NSRange(start..<end, in: text).length)
    }

    private func isCapitals(before range: NSRange, in whole: NSString) -> Bool {
        let line = whole.substring(with: whole.lineRange(for: range))
        let letters = line.filter(\.isLetter)
        return letters.count > 12 && letters.count(where: \.isUppercase) * 10 > letters.count * 8
    }

    private func merged(_ ranges: [NSRange]) -> [NSRange] {
        var result = [NSRange]()
        for range in ranges.sorted(by: { $0.location < $1.location }) {
            if let last = result.last, range.location < last.location + last.length {
                let end = max(last.location + last.length, range.location + range.length)
                result[result.count - 1] = NSRange(location: last.location, length: end - last.location)
            } else {
                result.append(range)
            }
        }
        return result
    }
}
