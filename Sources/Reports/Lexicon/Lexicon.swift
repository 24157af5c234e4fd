import Foundation

/// The linguistics of one language, as a clinician can read and extend them: `Lexicons/<language>.json`.
///
/// Phrases are written in the small notation of `Phrase`. Nothing in the engine knows a word of any language.
struct Lexicon: Sendable {
    /// What a phrase means where it stands.
    struct Meaning: Sendable, Hashable {
        var concept: Concept
        var site: Site?
        var morphology: PolypMorphology?
    }

    let language: Language
    /// The commonest words, by which the language is recognised.
    let common: Set<String>
    let tokenizer: Tokenizer
    let phrases: PhraseBook<Meaning>
    /// Lengths that are no sizes; they lie over other phrases and consume nothing.
    let lengths: PhraseBook<Concept>
    /// Words that colour others and consume nothing either: seen, now measures, could not be.
    let overlays: PhraseBook<Concept>
    let headers: PhraseBook<Section>
    /// Words for more than one polyp.
    let plurals: Set<String>
    /// Those of them that are also forms of the singular (German dative and accusative).
    let singularsToo: Set<String>
    /// Numbers in words; articles count as one.
    let numbers: [String: Double]
    /// Words that stand for one only as an article.
    let articles: Set<String>
    /// Words that make a noun one already spoken of: the, this.
    let definite: Set<String>
    /// Units of length, in millimetres.
    let units: [String: Double]
    /// Headers of a table's column that counts polyps.
    let countColumns: Set<String>
    /// Words whose full stop ends no sentence.
    let abbreviations: Set<String>
    /// Words that make such a form a singular, and those that do at the head of a clause.
    let singularMarks: Set<String>
    let openingMarks: Set<String>
    /// Words for "but" that open a clause only behind a comma.
    let particles: Set<String>
    /// Words that end no line: a preposition, an article, "measuring".
    let dangling: Set<String>
    /// Letters that stand for the segments of the colon in forms, and the tokens of their names.
    let segments: [String: [Token]]
    /// A number must have a classifier to count anything (Chinese).
    let countsByClassifier: Bool
    /// Words long and telling enough to be recognised with a slip of the pen.
    let spelling: Spelling

    private struct File: Decodable {
        var language: Language
        var decimalComma: Bool?
        var countsByClassifier: Bool?
        var common: [String]?
        var folding: [String: String]?
        var sections: [String: [String]]
        var concepts: [String: [String]]
        var sites: [String: [String]]
        var morphology: [String: [String]]
        var plurals: [String]
        var singularsToo: [String]?
        var numbers: [String: Double]
        var articles: [String]?
        var definite: [String]?
        var units: [String: Double]
        var countColumns: [String]?
        var abbreviations: [String]?
        var singularMarks: [String]?
        var openingMarks: [String]?
        var particles: [String]?
        var dangling: [String]?
        var segments: [String: String]?
    }

    /// Reads a lexicon.
    ///
    /// - Throws: `ReportsError.Code.malformedLexicon`, naming the key that is wrong.
    init(json: some ContiguousBytes) throws {
        let file: File
        do {
            file = try JSONDecoder().decode(File.self, from: json.withUnsafeBytes { Data($0) })
        } catch {
            throw ReportsError(.malformedLexicon, "a lexicon does not follow its form: \(error)")
        }
        language = file.language
        var folding = [Unicode.Scalar: Unicode.Scalar]()
        for (from, to) in file.folding ?? [:] {
            for (left, right) in zip(from.unicodeScalars, to.unicodeScalars) { folding[left] = right }
        }
        let tokenizer = Tokenizer(hasDecimalComma: file.decimalComma ?? false, folding: folding)
        self.tokenizer = tokenizer
        func folded(_ words: [String]) -> [String] { words.map { tokenizer.tokens(of: $0).map(\.text).joined() } }

        common = Set(folded(file.common ?? []))
        func wrong(_ place: String, _ key: String) -> ReportsError {
            ReportsError(.malformedLexicon, "lexicon \(file.language.rawValue), \(place): \"\(key)\" is not a known name")
        }
        for text in [file.sections, file.concepts, file.sites, file.morphology].flatMap(\.values).joined() {
            guard Phrase.isWellFormed(text, tokenizer: tokenizer) else { throw wrong("phrases", text) }
        }
        var phrases = PhraseBook<Meaning>()
        var lengths = PhraseBook<Concept>()
        var overlays = PhraseBook<Concept>()
        for (key, texts) in file.concepts {
            guard let concept = Concept(rawValue: key) else { throw wrong("concepts", key) }
            for text in texts {
                let phrase = Phrase(text, tokenizer: tokenizer)
                if concept == .notSize {
                    lengths.add(phrase, concept)
                } else if concept.liesOver {
                    overlays.add(phrase, concept)
                } else {
                    phrases.add(phrase, Meaning(concept: concept))
                }
            }
        }
        for (key, texts) in file.sites {
            guard let site = Site(rawValue: key) else { throw wrong("sites", key) }
            for text in texts {
                phrases.add(Phrase(text, tokenizer: tokenizer), Meaning(concept: .site, site: site))
            }
        }
        for (key, texts) in file.morphology {
            guard let morphology = PolypMorphology(rawValue: key) else { throw wrong("morphology", key) }
            for text in texts {
                phrases.add(
                    Phrase(text, tokenizer: tokenizer), Meaning(concept: .morphology, morphology: morphology))
            }
        }
        self.phrases = phrases
        self.lengths = lengths
        self.overlays = overlays
        var headers = PhraseBook<Section>()
        for (key, texts) in file.sections {
            guard let section = Section(rawValue: key) else { throw wrong("sections", key) }
            for text in texts { headers.add(Phrase(text, tokenizer: tokenizer), section) }
        }
        self.headers = headers

        plurals = Set(folded(file.plurals))
        singularsToo = Set(folded(file.singularsToo ?? []))
        numbers = Dictionary(
            file.numbers.map { (tokenizer.tokens(of: $0.key).map(\.text).joined(), $0.value) },
            uniquingKeysWith: { first, _ in first })
        articles = Set(folded(file.articles ?? []))
        definite = Set(folded(file.definite ?? []))
        units = Dictionary(
            file.units.map { (tokenizer.tokens(of: $0.key).map(\.text).joined(), $0.value) },
            uniquingKeysWith: { first, _ in first })
        countColumns = Set(folded(file.countColumns ?? []))
        abbreviations = Set(folded(file.abbreviations ?? []))
        singularMarks = Set(folded(file.singularMarks ?? []))
        openingMarks = Set(folded(file.openingMarks ?? []))
        particles = Set(folded(file.particles ?? []))
        dangling = Set(folded(file.dangling ?? []))
        segments = (file.segments ?? [:]).mapValues { tokenizer.tokens(of: $0) }
        countsByClassifier = file.countsByClassifier ?? false
        spelling = Spelling(
            words: phrases.words(ofSingles: true) { [.polyp, .site, .morphology, .lookalike, .resection].contains($0.concept) }
                .union(units.keys.filter { $0.count > 5 }),
            known: phrases.words { _ in true }.union(numbers.keys).union(units.keys))
    }

    /// A copy that marks the slips of the pen in `tokens` right.
    func corrected(_ tokens: [Token]) -> [Token] {
        var tokens = tokens
        for index in tokens.indices where tokens[index].kind == .word {
            let text = tokens[index].text
            guard text.utf8.count >= Spelling.shortest, !phrases.knows(text), !headers.knows(text) else { continue }
            if let better = spelling.correction(of: text) { tokens[index].text = better }
        }
        return tokens
    }
}
