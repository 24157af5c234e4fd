import Evaluation
import Foundation
import Imaging
import Models
import NeuralNetwork
import Stages

/// `endoked selftest`: do the numbers on this machine equal those of the reference implementations?
struct SelftestCommand: Command {
    static let spec = CommandSpec(
        name: "selftest", summary: "compare this machine's numbers with the reference implementations'",
        discussion: """
            Reads the .safetensors files of DIR, made by the public reference implementations on weights and inputs given
            by a formula, computes the same here and prints the error of each tensor. Exit code 0: all that is covered
            agrees; 1: something differs; 5: the folder cannot be read. Files not covered yet are listed.
            """,
        arguments: [.init(name: "DIR", help: "the folder of golden files")],
        options: [
            .option("input-suffix", "S", "appended to every formula input's name: for files made for other inputs"),
            .option("precision", "P", "fp32 (default) or bf16, for the networks"),
            .flag("quiet", "only failures and the last line"),
        ])

    private let folder: URL
    private let suffix: String
    private let precision: Precision
    private let isQuiet: Bool

    init(_ arguments: ParsedArguments) throws {
        folder = try ArchiveOption.existingFolder(arguments.arguments[0])
        suffix = arguments.string("input-suffix") ?? ""
        precision = try arguments.choice("precision", ["fp32", "bf16"]) == "bf16" ? .bfloat16 : .float32
        isQuiet = arguments.has("quiet")
    }

    private struct Line {
        var tensor: String
        var error: Double
        var tolerance: Double
        var passed: Bool
    }

    func run() throws -> ExitStatus {
        guard precision == .float32 || EngineSetup.hasBFloat16 else {
            throw ConfigurationError(
                "this processor (\(EngineSetup.instructionSet)) does not multiply bf16: leave out --precision")
        }
        let files = try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
            .filter { $0.pathExtension == "safetensors" }.sorted { $0.lastPathComponent < $1.lastPathComponent }
        guard !files.isEmpty else { throw ConfigurationError("\(folder.path) holds no .safetensors file") }
        var failures = 0, checked = 0
        var uncovered: [String] = []
        for file in files {
            let name = file.deletingPathExtension().lastPathComponent
            let started = Date()
            guard let lines = try lines(for: name, file: file) else {
                uncovered.append(name)
                continue
            }
            let failed = lines.filter { !$0.passed }
            checked += lines.count
            failures += failed.count
            let worst = lines.max { $0.error / max($0.tolerance, 1e-12) < $1.error / max($1.tolerance, 1e-12) }
            Terminal.print(
                "\(failed.isEmpty ? "equal" : "DIFFERS")  \(name): \(lines.count) tensors in "
                    + "\(Terminal.number(Date().timeIntervalSince(started), digits: 1)) s, worst "
                    + (worst.map { "\(Self.scientific($0.error)) of \(Self.scientific($0.tolerance)) at \($0.tensor)" } ?? "–"))
            for line in isQuiet ? failed : lines {
                Terminal.print(
                    "    \(line.passed ? "ok  " : "FAIL")  \(Self.scientific(line.error))  (allowed \(Self.scientific(line.tolerance)))  \(line.tensor)"
                )
            }
        }
        if !uncovered.isEmpty { Terminal.print("not covered yet: " + uncovered.joined(separator: ", ")) }
        guard checked > 0 else { throw ConfigurationError("none of the files in \(folder.path) is covered yet") }
        Terminal.print(failures == 0 ? "\(checked) tensors agree" : "\(failures) of \(checked) tensors differ")
        return failures == 0 ? .complete : .failed
    }

    /// The comparisons of one file; nil when this program does not cover it.
    private func lines(for name: String, file: URL) throws -> [Line]? {
        let isNetwork = GoldenCheck.networks.contains(name)
        guard isNetwork || ["metrics", "image_ops"].contains(name), try Self.hasWeights(for: name) else { return nil }
        if name == "metrics" {
            return try MetricsGolden.check(tensors: try Checkpoint.loadDoubles(file)).map {
                Line(tensor: $0.name, error: $0.absoluteError, tolerance: $0.tolerance, passed: $0.passed)
            }
        }
        let entries = try Checkpoint.load(file, options: .init(strippedPrefix: nil)).tensors.entries
        if isNetwork {
            let reference = Dictionary(
                uniqueKeysWithValues: entries.map { ($0.name, GoldenCheck.Reference(shape: $0.shape, values: $0.values)) })
            let weights = try Self.weights(of: name)
            return try GoldenCheck(precision, inputSuffix: suffix, weights: weights).compare(name, with: reference).map {
                Line(tensor: $0.tensor, error: $0.relativeError, tolerance: $0.tolerance, passed: $0.passed)
            }
        }
        let tensors = Dictionary(uniqueKeysWithValues: entries.map { ($0.name, (shape: $0.shape, values: $0.values)) })
        return ImageOpsGolden.check(tensors: tensors).map {
            Line(
                tensor: $0.name + ($0.note.isEmpty ? "" : " (\($0.note))"), error: $0.error, tolerance: $0.tolerance,
                passed: $0.passed)
        }
    }

    /// Published weights that a golden file was made with, by its name.
    private static func published(for name: String) -> PublishedWeights? {
        name == "efficientnet_lite0_imagenet" ? PublishedWeights.named("efficientnet-lite0") : nil
    }

    private static func hasWeights(for name: String) throws -> Bool {
        guard let weights = published(for: name), !FileManager.default.fileExists(atPath: weights.place.path) else { return true }
        Terminal.print("left out  \(name): \(weights.advice)")
        return false
    }

    private static func weights(of name: String) throws -> ParameterSet? {
        guard let weights = published(for: name) else { return nil }
        do {
            try weights.check()
            return try Checkpoint.load(weights.place).tensors
        } catch let error as StageError { throw ConfigurationError(error.message) }
    }

    private static func scientific(_ value: Double) -> String { String(format: "%.1e", value) }
}
