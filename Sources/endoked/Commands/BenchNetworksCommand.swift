import Foundation
import NeuralNetwork

/// `endoked bench networks`: how long one network takes here; ops/bench/networks sets peers beside it.
struct BenchNetworksCommand: Command {
    static let spec = CommandSpec(
        name: "bench networks", summary: "seconds of one network's inference or training step, weights by a formula",
        discussion: """
            Makes the network and runs it once; then, for each line N on standard input, runs it N times and answers with a
            line of JSON: the seconds of each run, and the process's peak memory. --runs N runs it N times without asking.
            The row 'peak' measures instead what matrix products reach: the seconds of a thousand million operations.
            """,
        options: [
            .option("row", "ROW", NetworkBenchmark.allCases.map(\.rawValue).joined(separator: ", ") + ", peak"),
            .option("precision", "P", "fp32 (default) or bf16"),
            .option("threads", "N", "default: the machine's processors"),
            .option("runs", "N", "run so many times, and end"),
        ])

    private let row: NetworkBenchmark?
    private let precision: Precision
    private let threads: Int
    private let runs: Int?

    init(_ arguments: ParsedArguments) throws {
        let name = try arguments.required("row")
        row = NetworkBenchmark(rawValue: name)
        guard row != nil || name == "peak" else { throw UsageError("--row: there is no row '\(name)'") }
        precision = try arguments.choice("precision", ["fp32", "bf16"]) == "bf16" ? .bfloat16 : .float32
        threads = try arguments.integer("threads", in: 1...1024) ?? ProcessInfo.processInfo.activeProcessorCount
        runs = try arguments.integer("runs", in: 1...1_000_000)
    }

    func run() throws -> ExitStatus {
        ComputeThreads.set(threads)
        let seconds = try measurement()
        try answer([])
        if let runs {
            try answer((0..<runs).map { _ in try seconds() })
            return .complete
        }
        while let line = readLine() {
            guard let count = Int(line), count > 0 else { throw UsageError("a line of standard input is no number of runs") }
            try answer((0..<count).map { _ in try seconds() })
        }
        return .complete
    }

    private func measurement() throws -> () throws -> Double {
        guard let row else {
            return { try 1e9 / PeakArithmetic.measured(precision, threads: threads, seconds: 0.6) }
        }
        let body = try row.prepared(precision)
        try body()
        return {
            let start = ContinuousClock.now
            try body()
            return (ContinuousClock.now - start) / .seconds(1)
        }
    }

    private func answer(_ seconds: [Double]) throws {
        struct Answer: Encodable {
            var seconds: [Double]
            var peakMiB: Int
        }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        let answer = Answer(seconds: seconds, peakMiB: PeakMemory.inMebibytes)
        FileHandle.standardOutput.write(try encoder.encode(answer) + Data("\n".utf8))
    }
}
