import Archives
import Evaluation
import Foundation
import NeuralNetwork
import Stages
import Synchronization

/// `endoked evaluate`: a segmentation network, or predictions made elsewhere, on public data sets of polyps.
struct EvaluateCommand: Command {
    static let spec = CommandSpec(
        name: "evaluate", summary: "measure masks of polyps on public data sets as the field does, and look for leaked images",
        discussion: """
            Finds each set's images and masks in whatever layout they lie (PraNet's TestDataset, or as published), lays
            predictions over the masks at the masks' size, and prints Dice, IoU, weighted F, S- and E-measure, MAE, the
            reference's own Dice and HD95: of each set, its parts, centres and sizes of polyp, with intervals by sequence or
            patient where those are known, and published figures beside them, marked as such.
            With --trained, images that trained are found in the sets, also when they were saved again, resized, cropped a
            little or written upon; sequences that are cut are named, and figures are given without them as well. --trained
            alone, without --weights or --predictions, only looks for copies.
            Names that are known: \(PolypDataset.all.map(\.name).joined(separator: ", ")); any other name is a folder of
            images and masks.
            Exit code 0: all is measured; 3: images are left out, and listed; 5: a set or a network is not there.
            """,
        options: [
            .option("dataset", "NAME=DIR", "a data set and the folder that holds it", repeats: true),
            .option("weights", "PLACE", "a segmentation network: a file, or the results of a job with its models/"),
            .option("size", "N", "side of the network's input, where the file does not tell it"),
            .option(
                "scale", "F", "with --weights: a size at which images are looked at, as a factor of the input; default 1", repeats: true),
            .option("views", "N", "with --weights: mirrored views that are averaged, 1 (default), 2 or 4"),
            .option("precision", "P", "fp32 (default) or bf16"),
            .option(
                "predictions", "[NAME=]DIR", "instead of --weights: PNGs named as the images; DIR may hold a folder a set", repeats: true),
            .option("trained", "DIR", "what was trained from: a folder of images, or an archive (its training split)", repeats: true),
            .option("out", "DIR", "where tables go: images.csv, sets.csv, copies.csv, summary.md"),
            .flag("maps", "with --weights and --out: the predictions as PNGs, in maps/"),
            .option("resamples", "N", "of the bootstrap; default 1000"),
            .option("threads", "N", "default: the machine's processors"),
        ])

    private let sets: [NamedFolder]
    private let weights: String?
    private let size: Int?
    private let views: SegmentationViews
    private let isBFloat16: Bool
    private let predictions: [NamedFolder]
    private let trained: [URL]
    private let out: URL?
    private let writesMaps: Bool
    private let bootstrap: GroupBootstrap
    private let threads: Int

    init(_ arguments: ParsedArguments) throws {
        sets = try arguments.strings("dataset").map { try NamedFolder($0, option: "dataset", needsName: true) }
        guard !sets.isEmpty else { throw UsageError("--dataset NAME=DIR is missing") }
        let names = sets.map { PolypDataset.named($0.name ?? "").name }
        guard Set(names).count == names.count else { throw UsageError("one data set is named twice in --dataset") }
        weights = arguments.string("weights")
        size = try arguments.integer("size", in: 32...4096)
        let scales = try arguments.numbers("scale", in: 0.25...4)
        views = SegmentationViews(
            scales: scales.isEmpty ? [1] : scales, mirrored: Int(try arguments.choice("views", ["1", "2", "4"]) ?? "1") ?? 1)
        isBFloat16 = try arguments.choice("precision", ["fp32", "bf16"]) == "bf16"
        predictions = try arguments.strings("predictions").map { try NamedFolder($0, option: "predictions", needsName: false) }
        trained = arguments.strings("trained").map { URL(fileURLWithPath: $0) }
        out = try arguments.string("out").map { try OutputFolder.named($0, option: "out") }
        writesMaps = arguments.has("maps")
        bootstrap = GroupBootstrap(resamples: try arguments.integer("resamples", in: 100...100_000) ?? 1000)
        threads = try arguments.integer("threads", in: 1...1024) ?? ProcessInfo.processInfo.activeProcessorCount
        guard weights == nil || predictions.isEmpty else { throw UsageError("give --weights or --predictions, not both") }
        guard weights != nil || !predictions.isEmpty || !trained.isEmpty else {
            throw UsageError("give --weights or --predictions to measure, or --trained to look for copies")
        }
        guard !writesMaps || weights != nil && out != nil else { throw UsageError("--maps needs --weights and --out") }
    }

    func run() throws -> ExitStatus {
        // Whatever is missing is said before anything is computed.
        let folders = try sets.map { try DatasetFolder($0.name ?? "", in: $0.folder) }
        let network = try weights.map { try DatasetNetwork($0, imageSize: size, views: views, isBFloat16: isBFloat16) }
        let sources = try folders.map { try source(for: $0.dataset, network) }
        let seen = try trained.map { try TrainedImages($0) }
        if let out { try OutputFolder.prepare(out) }
        for folder in folders {
            Terminal.message("\(folder.dataset.name): \(folder.images.count) images in \(folder.folder.path)" + Self.grouping(folder))
        }
        if let network { Terminal.message(network.title) }
        var results = EvaluationResults(bootstrap: bootstrap, wereCopiesLookedFor: !seen.isEmpty)
        results.problems = folders.flatMap { folder in folder.problems.map { "\(folder.dataset.name): \($0)" } }
        if !seen.isEmpty { lookForCopies(of: folders, in: seen, &results) }
        for (folder, source) in zip(folders, sources) {
            guard let source else { continue }
            let maps = writesMaps ? out?.appendingPathComponent("maps").appendingPathComponent(folder.dataset.name) : nil
            let outcome = DatasetScoring(source, maps: maps).run(folder, threads: threads, progress: Self.progress(folder.dataset.name))
            results.add(outcome, of: folder.dataset)
        }
        results.print()
        if let out { try results.write(to: out) }
        return results.problems.isEmpty ? .complete : .partial
    }

    private func source(for dataset: PolypDataset, _ network: DatasetNetwork?) throws -> DatasetScoring.Source? {
        if let network { return .network(network) }
        let own = predictions.first { $0.name.map { PolypDataset.named($0).name == dataset.name } ?? false }
        guard let folder = own ?? predictions.first(where: { $0.name == nil }) else {
            guard predictions.isEmpty else { throw ConfigurationError("no --predictions are for \(dataset.name): add \(dataset.name)=DIR") }
            return nil
        }
        return .pictures(try PredictionFolder(folder.folder, of: dataset))
    }

    private func lookForCopies(of folders: [DatasetFolder], in seen: [TrainedImages], _ results: inout EvaluationResults) {
        var search = LeakageGuard(threads: threads)
        for images in seen {
            let what = images.isArchive ? "the training split" : "what was trained from"
            Terminal.message("\(images.folder.path): \(images.images.count) images of \(what)")
            search.add(images, progress: Self.progress("fingerprints"))
        }
        results.problems += search.problems
        for folder in folders {
            let (copies, problems) = search.copies(in: folder, progress: Self.progress("\(folder.dataset.name), copies"))
            results.add(copies, of: folder, amongTrained: search.count)
            results.problems += problems.map { "\(folder.dataset.name), \($0)" }
        }
    }

    private static func grouping(_ folder: DatasetFolder) -> String {
        let groups = Set(folder.images.compactMap { image in image.group.map { (image.centre ?? "") + "\u{0}" + $0 } }).count
        return groups == 0 ? "; sequences and patients are not known: each image is taken for itself" : ", \(groups) groups"
    }

    /// Now and then a line on standard error.
    private static func progress(_ what: String) -> @Sendable (Int, Int) -> Void {
        let last = ProgressClock()
        return { done, all in
            if last.isDue(), done < all { Terminal.message("\(what): \(done) of \(all)") }
        }
    }
}

/// Ten seconds between lines.
private final class ProgressClock: Sendable {
    private let last = Mutex(Date())

    func isDue() -> Bool {
        last.withLock { last in
            guard Date().timeIntervalSince(last) >= 10 else { return false }
            last = Date()
            return true
        }
    }
}

/// `NAME=DIR` of a command line.
private struct NamedFolder {
    var name: String?
    var folder: URL

    init(_ text: String, option: String, needsName: Bool) throws {
        // A path may hold `=` itself: what stands before the first is a name where it holds no `/`.
        let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        let hasName = parts.count == 2 && !parts[0].isEmpty && !parts[0].contains("/")
        guard hasName || !needsName, let path = parts.last, !path.isEmpty else {
            throw UsageError("--\(option) is NAME=DIR, such as Kvasir-SEG=data/Kvasir-SEG, not '\(text)'")
        }
        name = hasName ? parts[0] : nil
        folder = URL(fileURLWithPath: hasName ? path : text).standardizedFileURL
    }
}
