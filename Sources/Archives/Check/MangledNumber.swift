/// Identifiers that a spreadsheet took for numbers and wrote back otherwise.
enum MangledNumber {
    /// What probably happened to a study's name that has no folder; nil where nothing of the kind shows.
    ///
    /// - Parameter folders: names of the studies' folders.
    static func reason(_ study: String, folders: [String]) -> String? {
        let digits = study.filter(\.isNumber)
        if isScientific(study) {
            return "a spreadsheet has written it as a number with an exponent, and its digits are lost"
        }
        guard digits.count == study.count, !study.isEmpty else { return nil }
        // Spreadsheets keep 15 digits and write noughts for the rest.
        if study.count > 15,
            study.dropFirst(15).allSatisfy({ $0 == "0" })
                || folders.contains(where: { $0.count == study.count && $0 != study && $0.prefix(15) == study.prefix(15) })
        {
            return "a spreadsheet has kept 15 to 17 of its digits and written noughts for the others"
        }
        if folders.contains(where: { $0.count > study.count && String($0.drop { $0 == "0" }) == study }) {
            return "a spreadsheet has dropped the noughts that it begins with"
        }
        return nil
    }

    /// `1.23E+05`.
    private static func isScientific(_ text: String) -> Bool {
        let parts = text.uppercased().split(separator: "E", omittingEmptySubsequences: false)
        guard parts.count == 2, let first = parts[0].first, first.isNumber else { return false }
        let exponent = parts[1].first.map { "+-".contains($0) } == true ? parts[1].dropFirst() : parts[1]
        return parts[0].allSatisfy { $0.isNumber || $0 == "." || $0 == "," } && !exponent.isEmpty
            && exponent.allSatisfy(\.isNumber) && (exponent.count < parts[1].count || parts[0].contains { !$0.isNumber })
    }
}
