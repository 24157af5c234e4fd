/// Turns rows of a table into study records, and what cannot be believed into issues.
struct StudyRecordBuilder {
    let centre: String
    let file: String
    private(set) var issues: [ArchiveIssue] = []
    private var records: [StudyRecord] = []
    private var lineOfStudy: [String: Int] = [:]
    /// Studies whose split was written down, so that only those can contradict each other.
    private var givenSplits: [String: Set<Split>] = [:]

    init(centre: String, file: String) {
        self.centre = centre
        self.file = file
    }

    mutating func add(problems: [TableProblem]) {
        for problem in problems { report(.error, row: problem.line, problem.code, problem.message) }
    }

    mutating func add(_ row: ReportTable.Row, isProcessed: Bool = true) {
        guard let study = row.study, !study.isEmpty else {
            return report(.error, row: row.line, "no-study", "the row has no study: give it one, or take it out")
        }
        guard SafeName.isComponent(study) else {
            return report(
                .error, row: row.line, "unsafe-name",
                "the study's name holds a slash, a control character or ..: use a plain file name")
        }
        if let earlier = lineOfStudy[study] {
            return report(
                .error, study: study, row: row.line, "duplicate-study",
                "the study is already on line \(earlier), which counts: give one of them another name, or take it out")
        }
        lineOfStudy[study] = row.line
        let patient: String
        if let named = row.patient, !named.isEmpty {
            patient = named
        } else {
            patient = "study " + study
            report(
                .warning, study: study, row: row.line, "no-patient",
                "no patient is given: the study counts as a patient of its own, and one patient may land in two splits")
        }
        guard let split = split(of: row, study: study, patient: patient) else { return }
        records.append(
            StudyRecord(
                study: study, patient: patient, text: text(of: row, study: study), label: label(of: row, study: study),
                split: split, language: language(of: row, study: study), pathology: row.pathology, isProcessed: isProcessed,
                otherColumns: row.other, line: row.line))
    }

    /// All records; those of a patient in several splits stay only where they train, so that no figure is flattered.
    mutating func finish() -> [StudyRecord] {
        let torn = givenSplits.filter { $0.value.count > 1 }
        guard !torn.isEmpty else { return records }
        return records.filter { record in
            guard let splits = torn[record.patient] else { return true }
            let home: Split = splits.contains(.train) ? .train : .val
            let isKept = record.split == home
            report(
                isKept ? .warning : .error, study: record.study, row: record.line, "patient-in-two-splits",
                "the study's patient is in \(splits.map(\.rawValue).sorted().joined(separator: " and ")): "
                    + (isKept
                        ? "this study stays in \(home.rawValue)"
                        : "this study, of \(record.split.rawValue), is left out; put all of a patient into one split"))
            return isKept
        }
    }

    private mutating func split(of row: ReportTable.Row, study: String, patient: String) -> Split? {
        guard let word = row.split, !word.isEmpty else { return Split(patient: patient, centre: centre) }
        guard let split = Split(named: word) else {
            report(
                .error, study: study, row: row.line, "unknown-split",
                "the split is none of train, val, test: correct it, or leave it empty to split by patient")
            return nil
        }
        givenSplits[patient, default: []].insert(split)
        return split
    }

    private mutating func text(of row: ReportTable.Row, study: String) -> String? {
        guard let text = row.text, text.contains(where: { !$0.isWhitespace }) else {
            report(.warning, study: study, row: row.line, "no-report", "the study has no report text: it gets no label")
            return nil
        }
        guard text.utf8.count <= CentreArchive.maximumReportBytes else {
            report(
                .warning, study: study, row: row.line, "oversized-report",
                "the report has \(text.utf8.count) bytes, more than \(CentreArchive.maximumReportBytes), and is not read: "
                    + "it gets no label")
            return nil
        }
        return text
    }

    private mutating func label(of row: ReportTable.Row, study: String) -> String? {
        guard let word = row.label?.lowercased(), !word.isEmpty else { return nil }
        if let flag = TruthWord.parse(word) { return flag ? "yes" : "no" }
        if word == "uncertain" || word == "unknown" { return "uncertain" }
        report(
            .warning, study: study, row: row.line, "unknown-label",
            "the label is none of yes, no, uncertain, and is not used")
        return nil
    }

    /// A code such as `en` or `zh-Hans`. Anything else is not passed on: it may be a piece of a report.
    private mutating func language(of row: ReportTable.Row, study: String) -> String? {
        guard let code = row.language, !code.isEmpty else { return nil }
        let parts = code.split(omittingEmptySubsequences: false) { $0 == "-" || $0 == "_" }
        let isCode = parts.allSatisfy { (2...8).contains($0.count) && $0.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber) } }
        guard isCode, parts.count <= 3, let first = parts.first, first.count <= 3, first.allSatisfy(\.isLetter) else {
            report(
                .warning, study: study, row: row.line, "unknown-language",
                "the language is no code such as en, zh or de, and is not used: it is told by the report")
            return nil
        }
        return code
    }

    mutating func report(
        _ severity: ArchiveIssue.Severity, study: String? = nil, row: Int, _ code: String, _ message: String
    ) {
        issues.append(
            ArchiveIssue(
                severity, centre: centre, study: study, file: file, row: row, code: code, message: message))
    }
}
