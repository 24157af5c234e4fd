/// How reports of one language are put together. Patterns are for `TextGrammar`; the slots are `name`, `id`, `born`,
/// `doctor`, `date`, `phone`, `year`, `years`, `age`, `site`, `size`, `form`, `site2`, `size2`.
struct Phrasebook: Sendable {
    let firstNames: [String]
    let lastNames: [String]
    /// A full name from `first` and `last`.
    let namePattern: String
    let doctorPattern: String
    /// From the caecum to the rectum: seven.
    let sites: [String]
    let sessile: String
    let pedunculated: String
    let flat: String
    let openings: [String]
    let indications: [String]
    /// Indications that speak of polyps of other times or other people.
    let histories: [String]
    let courses: [String]
    let positives: [String]
    /// Another polyp of the same examination.
    let furthers: [String]
    let negatives: [String]
    let uncertains: [String]
    /// Findings that are no polyps.
    let others: [String]
    let positiveConclusions: [String]
    let negativeConclusions: [String]
    let uncertainConclusions: [String]
    let closings: [String]
    /// Between sentences; Chinese has none.
    let space: String

    static func of(_ language: String) -> Phrasebook {
        switch language {
        case "zh": .chinese
        case "de": .german
        default: .english
        }
    }
}
