import Foundation

/// The lexicons of all languages.
struct Lexicons: Sendable {
    private let byLanguage: [Language: Lexicon]

    init(_ lexicons: [Lexicon]) {
        byLanguage = Dictionary(lexicons.map { ($0.language, $0) }, uniquingKeysWith: { first, _ in first })
    }

    /// Those that come with the program, except the languages of `others`, which are added.
    static func embedded(except others: [Lexicon] = []) throws -> Lexicons {
        var lexicons = others
        for language in Language.allCases where !others.contains(where: { $0.language == language }) {
            lexicons.append(try Lexicon(json: json(of: language)))
        }
        return Lexicons(lexicons)
    }

    private static func json(of language: Language) -> [UInt8] {
        switch language {
        case .english: PackageResources.en_json
        case .chinese: PackageResources.zh_json
        case .german: PackageResources.de_json
        }
    }

    subscript(language: Language) -> Lexicon? { byLanguage[language] }

    /// The language of a text: Chinese by its characters, the others by their commonest words.
    func language(of text: String) -> Language {
        let scalars = text.unicodeScalars
        let han = scalars.count { Tokenizer.isHan($0) }
        let letters = scalars.count { $0.properties.isAlphabetic && !Tokenizer.isHan($0) }
        // A Han character says as much as a short word; Chinese reports mix in Latin abbreviations.
        if han * 4 > letters || han >= 12 { return .chinese }
        let words = Tokenizer().tokens(of: text.prefix(20_000)).filter { $0.kind == .word }
        func score(_ language: Language) -> Int {
            guard let lexicon = byLanguage[language] else { return -1 }
            return words.reduce(0) {
                $0 + (lexicon.common.contains($1.text) ? 3 : 0) + (lexicon.phrases.knows($1.text) ? 2 : 0)
                    + ($1.text.utf8.count > 3 && lexicon.headers.knows($1.text) ? 2 : 0)
            }
        }
        return score(.german) > score(.english) ? .german : .english
    }
}
