import Imaging

/// The free text of a study's report: its truth in varied words, beside history, other findings and invented names.
enum SyntheticReport {
    static func text(of study: SyntheticStudy, using generator: inout SeededGenerator) -> String {
        let book = Phrasebook.of(study.language)
        let grammar = TextGrammar(slots: slots(of: study, book: book, using: &generator))
        func say(_ patterns: [String]) -> String {
            grammar.expand(generator.pick(patterns) ?? "", using: &generator)
        }
        var findings: [String]
        let conclusion: String
        switch study.reportLabel {
        case .yes:
            findings = [say(book.positives)]
            if generator.chance(0.25) { findings.append(say(book.furthers)) }
            conclusion = say(book.positiveConclusions)
        case .no:
            findings = [say(book.negatives)]
            conclusion = say(book.negativeConclusions)
        case .uncertain:
            findings = [say(book.uncertains)]
            conclusion = say(book.uncertainConclusions)
        }
        findings = generator.shuffled(findings + [say(book.others)])
        let opening = say(book.openings)
        let reason = say(generator.chance(0.35) ? book.histories : book.indications)
        let course = say(book.courses)
        let closing = say(book.closings)
        // Some write in lines, some in one paragraph.
        let separator = generator.chance(0.4) ? "\n" : book.space
        let body = ([reason, course] + findings + [conclusion, closing]).filter { !$0.isEmpty }
        let text = opening + body.joined(separator: separator)
        return study.language == "zh" ? text : capitalised(text)
    }

    private static func slots(
        of study: SyntheticStudy, book: Phrasebook, using generator: inout SeededGenerator
    ) -> [String: String] {
        func name(_ pattern: String) -> String {
            let parts = [
                "first": generator.pick(book.firstNames) ?? "", "last": generator.pick(book.lastNames) ?? "",
            ]
            return TextGrammar(slots: parts).expand(pattern, using: &generator)
        }
        func two(_ range: ClosedRange<Int>) -> String {
            let number = generator.integer(range)
            return number < 10 ? "0\(number)" : "\(number)"
        }
        func date(_ years: ClosedRange<Int>) -> String {
            let (day, month, year) = (two(1...28), two(1...12), generator.integer(years))
            switch study.language {
            case "zh": return "\(year)年\(month)月\(day)日"
            case "de": return "\(day).\(month).\(year)"
            default: return "\(day)/\(month)/\(year)"
            }
        }
        func size(_ millimetres: Int) -> String {
            if study.language == "zh" ? generator.chance(0.7) : generator.chance(0.2) {
                let gap = study.language == "zh" ? "" : " "
                let point = study.language == "de" ? "," : "."
                return "\(millimetres / 10)\(point)\(millimetres % 10)\(gap)cm"
            }
            return study.language == "zh" ? "\(millimetres)mm" : "\(millimetres) mm"
        }
        let site = study.polyp?.site ?? generator.integer(0...6)
        let form: String
        switch study.polyp?.plan.form {
        case .pedunculated: form = book.pedunculated
        case .flat: form = book.flat
        default: form = book.sessile
        }
        let plain = TextGrammar(slots: [:])
        return [
            "name": name(book.namePattern), "doctor": name(book.doctorPattern),
            "id": "\(generator.pick(["A", "H", "K", "M", "Z"]) ?? "A")\(generator.integer(100_000...999_999))",
            "born": date(1938...1985), "date": date(2015...2024),
            "phone": study.language == "zh"
                ? "13\(generator.integer(100_000_000...999_999_999))" : "01632 \(generator.integer(960_000...960_999))",
            "year": "\(generator.integer(2008...2022))", "age": "\(generator.integer(41...84))",
            "site": book.sites[site], "site2": book.sites[generator.integer(0...6)],
            "size": size(study.polyp?.sizeInMillimetres ?? 5), "size2": size(generator.integer(2...6)),
            "form": plain.expand(form, using: &generator),
        ]
    }

    /// Sentences that begin with a slot begin with a capital.
    private static func capitalised(_ text: String) -> String {
        var result = ""
        var isStart = true
        for character in text {
            result += isStart && character.isLetter ? String(character).uppercased() : String(character)
            if character == "\n" {
                isStart = true
            } else if character != " " {
                isStart = isStart && !character.isLetter && !character.isNumber
            }
        }
        return result
    }
}
