import Archives
import Foundation
import Stages

/// `endoked bench mil-score`: how many images a second this machine scores, and what share of its arithmetic that is.
struct BenchScoreCommand: Command {
    static let spec = CommandSpec(
        name: "bench mil-score", summary: "images a second of the stage mil-score over an archive, random weights",
        discussion: """
            Reads, decodes, scores and reports the images as the stage does, in one process without a cluster, and
            measures in the same run what matrix products reach. ops/bench/mil-score sets a peer beside it.
            """,
        options: [
            .option("archive", "DIR", "an archive; its first studies are scored"),
            .option("size", "N", "side of the network's input in pixels, default 512"),
            .option("precision", "P", "fp32 or bf16 (default)"),
            .option("slots", "N", "threads, default: the machine's processors"),
            .option("shards", "N", "of four studies each, default 16"),
            .option("list", "FILE", "write the images scored to FILE: a study and a path a line"),
            .flag("json", "one line of JSON"),
        ])

    private let archive: String
    private let size: Int
    private let precision: MILScoreSettings.Arithmetic
    private let slots: Int
    private let shards: Int
    private let list: String?
    private let asJSON: Bool

    init(_ arguments: ParsedArguments) throws {
        guard let archive = arguments.string("archive") else { throw UsageError("--archive DIR is needed") }
        self.archive = archive
        size = try arguments.integer("size", in: 32...4096) ?? 512
        let name = arguments.string("precision") ?? "bf16"
        guard let precision = MILScoreSettings.Arithmetic(rawValue: name) else {
            throw UsageError("--precision is fp32 or bf16, not '\(name)'")
        }
        self.precision = precision
        slots = try arguments.integer("slots", in: 1...1024) ?? ProcessInfo.processInfo.activeProcessorCount
        shards = try arguments.integer("shards", in: 1...1_000_000) ?? 16
        list = arguments.string("list")
        asJSON = arguments.has("json")
    }

    func run() throws -> ExitStatus {
        let centres = try ArchiveOption.open(archive)
        var lines = ""
        let outcome = try MILScoreBenchmark.run(
            centres: Dictionary(uniqueKeysWithValues: centres.map { ($0.name, $0.directory) }), imageSize: size,
            precision: precision, slots: slots, shards: shards
        ) { study, image in lines += "\(study)\t\(image.path)\n" }
        if let list { try Data(lines.utf8).write(to: URL(fileURLWithPath: list)) }
        if asJSON {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
            Terminal.print(String(decoding: try encoder.encode(outcome), as: UTF8.self))
        } else {
            Terminal.print(
                "\(outcome.images) images in \(Terminal.number(outcome.seconds, digits: 2)) s: "
                    + "\(Terminal.number(outcome.imagesPerSecond, digits: 1)) images/s; "
                    + "\(Terminal.number(outcome.achieved * 1e-9, digits: 0)) of \(Terminal.number(outcome.peak * 1e-9, digits: 0)) GFLOP/s, "
                    + "\(Terminal.number(outcome.shareOfPeak * 100, digits: 0)) % of what matrix products reach here")
        }
        return .complete
    }
}
