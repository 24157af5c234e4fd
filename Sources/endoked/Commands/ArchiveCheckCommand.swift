import Archives
import Foundation

/// `endoked archive check`: everything that is wrong with an archive, before any worker starts.
struct ArchiveCheckCommand: Command {
    static let spec = CommandSpec(
        name: "archive check", summary: "find what is wrong with an archive before any worker starts",
        discussion: """
            Lists duplicate studies, missing, empty, damaged or foreign images, files in a bag that are no images, empty
            bags, reports that cannot be read, a patient in two splits, and truth that cannot be used: masks that cannot be
            read, may mean two things or are not as large as their image, rows of truth.csv and studies.csv that name
            nothing. Every image is decoded; what it is, its bytes say, not its name. What is taken for granted in reading
            masks (such as 0 and 1 for 0 and 255) is a `note`. Nothing stops the rest: a run leaves out what is broken and says so.
            Exit code 0: nothing found; 3: problems are listed; 5: there is no archive.
            """,
        arguments: [.init(name: "DIR", help: "the archive's folder")],
        options: [
            .flag("header", "read only each image's header and end: quicker, and damage inside is not found"),
            .flag("decode", "decode every image: what happens without it as well"),
            .flag("json", "the report as JSON"),
        ])

    private let path: String
    private let depth: ImageCheckDepth
    private let asJSON: Bool

    init(_ arguments: ParsedArguments) throws {
        path = arguments.arguments[0]
        depth = arguments.has("header") && !arguments.has("decode") ? .header : .decode
        asJSON = arguments.has("json")
    }

    func run() throws -> ExitStatus {
        let report = ArchiveCheck.run(try ArchiveOption.open(path), depth: depth)
        if asJSON {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .prettyPrinted]
            Terminal.print(String(decoding: try encoder.encode(report), as: UTF8.self))
        } else {
            Terminal.print(ArchiveCheckText.table(report))
            for issue in report.issues { Terminal.print(ArchiveCheckText.line(issue)) }
            for centre in report.centres { centre.notes.forEach { Terminal.print("note \(centre.name): \($0)") } }
            Terminal.print(
                report.issues.isEmpty
                    ? "nothing wrong found"
                    : "\(report.errorCount) errors, \(report.warningCount) warnings")
        }
        return report.issues.isEmpty ? .complete : .partial
    }
}

/// An archive's check as people read it.
enum ArchiveCheckText {
    static func table(_ report: ArchiveCheckReport) -> String {
        var rows = [["centre", "studies", "patients", "images", "reports", "train", "val", "test", "truth", "problems"]]
        for centre in report.centres {
            rows.append(
                [centre.name] + [centre.studies, centre.patients, centre.images, centre.reports].map(String.init)
                    + ["train", "val", "test"].map { String(centre.splits[$0] ?? 0) }
                    + [centre.hasTruth ? "yes" : "no", String(centre.issues.count)])
        }
        return Terminal.table(rows)
    }

    static func line(_ issue: ArchiveIssue) -> String {
        let place = [
            issue.centre, issue.study, issue.file, issue.row.map { "row \($0)" },
        ].compactMap { $0 }.joined(separator: ", ")
        return "\(issue.severity.rawValue) [\(issue.code)] \(place): \(issue.message)"
    }

    /// The table and the first problems, on standard error.
    static func showSummary(_ report: ArchiveCheckReport) {
        Terminal.message(table(report))
        for issue in report.issues.prefix(10) { Terminal.message(line(issue)) }
        if report.issues.count > 10 {
            Terminal.message("and \(report.issues.count - 10) more: `endoked archive check` lists them")
        }
    }
}
