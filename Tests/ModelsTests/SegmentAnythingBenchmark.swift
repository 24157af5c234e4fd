import Foundation
import Models
import NeuralNetwork
import Testing

/// Time of one embedding and peak memory of the process, printed by `ops/bench/networks/sam`; one network a process.
@Suite(.enabled(if: ProcessInfo.processInfo.environment["ENDOKED_BENCH_SAM"] != nil, "a benchmark: ops/bench/networks/sam"))
struct SegmentAnythingBenchmark {
    /// Network, precision, threads and repetitions: "vitB bfloat16 2 5".
    static let wanted = ProcessInfo.processInfo.environment["ENDOKED_BENCH_SAM"]?.split(separator: " ").map(String.init)

    @Test func embedding() throws {
        let wanted = try #require(Self.wanted)
        let kind = try #require(SegmentAnythingKind(rawValue: wanted[0]))
        let precision = try #require(Precision(rawValue: wanted[1]))
        ComputeThreads.set(Int(wanted[2]) ?? 1)
        let network = try Self.network(kind, precision)
        let side = network.inputSide
        let rgb = MILScorerTests.pixels(side * side * 3, seed: 1)
        var (best, bestProcessor, embedding) = (Double.infinity, Double.infinity, ImageEmbedding?.none)
        for _ in 0...(Int(wanted[3]) ?? 3) {
            let (start, processor) = (Date(), Self.processorSeconds())
            embedding = try network.embed(rgb: rgb, width: side, height: side, of: (side, side))
            best = min(best, Date().timeIntervalSince(start))
            bestProcessor = min(bestProcessor, Self.processorSeconds() - processor)
        }
        let start = Date()
        let box = SegmentationPrompt.Box(left: 100, top: 150, right: 600, bottom: 700)
        _ = try network.masks(#require(embedding), SegmentationPrompt(box: box))
        let prompted = Date().timeIntervalSince(start)
        let peak = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
            .split(separator: "\n").first { $0.hasPrefix("VmHWM") }.map { $0.split(separator: " ")[1] } ?? "0"
        print(
            "BENCH SAM \(kind) \(precision) \(wanted[2]) threads: embedding "
                + String(
                    format: "%.0f ms (%.0f ms of processor time), first prompt %.0f ms, peak %.0f MB", best * 1e3,
                    bestProcessor * 1e3, prompted * 1e3, Double(peak).map { $0 / 1024 } ?? 0))
    }

    /// Of all threads: what an embedding costs, whoever else is busy on the machine.
    private static func processorSeconds() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
    }

    private static func network(_ kind: SegmentAnythingKind, _ precision: Precision) throws -> SegmentAnything {
        let network = try SegmentAnythingNetwork(kind)
        network.forEachParameter("") { name, parameter in
            if parameter.shape.count > 1 { Initialisation.uniformFanIn(parameter, seed: 1, name: name) }
        }
        return try SegmentAnything(network, kind: kind, precision: precision)
    }
}
