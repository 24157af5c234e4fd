import Archives
import Foundation

/// `endoked synth`: a synthetic multi-centre archive with known truth.
struct SynthCommand: Command {
    static let spec = CommandSpec(
        name: "synth", summary: "make a synthetic multi-centre archive with known truth",
        discussion: """
            Three centres with their own image size, colour and prevalence; free-text reports in English, Chinese and
            German; truth masks. The same seed makes the same files to the byte.
            """,
        arguments: [.init(name: "DIR", help: "where to write it; must be absent or empty")],
        options: [
            .option("seed", "N", "default 1"),
            .option("studies", "N", "studies a centre; default \(SyntheticOptions().studiesPerCentre)"),
            .option("centres", "N", "how many of the three centres; default 3"),
        ])

    private let folder: URL
    private var options = SyntheticOptions()

    init(_ arguments: ParsedArguments) throws {
        folder = URL(fileURLWithPath: arguments.arguments[0]).standardizedFileURL
        if let seed = try arguments.integer("seed", in: 0...Int.max) { options.seed = UInt64(seed) }
        if let studies = try arguments.integer("studies", in: 1...100_000) { options.studiesPerCentre = studies }
        if let count = try arguments.integer("centres", in: 1...SyntheticCentre.three.count) {
            options.centres = Array(SyntheticCentre.three.prefix(count))
        }
    }

    func run() throws -> ExitStatus {
        try OutputFolder.prepare(folder.deletingLastPathComponent())
        let summary = try SyntheticArchive.write(to: folder, options: options)
        var rows = [["centre", "studies", "with polyps", "images", "that show one"]]
        for centre in summary.centres {
            rows.append([centre.name] + [centre.studies, centre.positiveStudies, centre.images, centre.polypImages].map(String.init))
        }
        Terminal.print(Terminal.table(rows))
        Terminal.print(folder.path)
        return .complete
    }
}
