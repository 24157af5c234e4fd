import Foundation
import Models
import NeuralNetwork
import Testing

/// Times of Polyp-PVT with all cores, and peak memory; printed by `ops/bench/networks/pvt_run`, skipped in ordinary runs.
@Suite(
    .serialized, .enabled(if: ProcessInfo.processInfo.environment["ENDOKED_PVT_BENCH"] != nil, "a benchmark: ops/bench/networks/pvt_run"))
struct PolypPVTBenchmark {
    private static let wanted = ProcessInfo.processInfo.environment["ENDOKED_PVT_BENCH"] ?? ""
    private static let threads =
        ProcessInfo.processInfo.environment["ENDOKED_BENCH_THREADS"].flatMap { Int($0) }
        ?? ProcessInfo.processInfo.activeProcessorCount

    private static let repeats =
        ProcessInfo.processInfo.environment["ENDOKED_BENCH_REPEATS"].flatMap { Int($0) } ?? 10

    private static func measure(_ name: String, _ body: @escaping @Sendable () throws -> () throws -> Void) {
        guard wanted == "all" || name.hasPrefix(wanted) else { return }
        let done = DispatchSemaphore(value: 0)
        let thread = Thread {
            defer { done.signal() }
            ComputeThreads.set(threads)
            do {
                let run = try body()
                try run()
                var (times, work) = ([Double](), [Double]())
                for _ in 0..<repeats {
                    let (start, busy) = (Date(), processorSeconds())
                    try run()
                    times.append(Date().timeIntervalSince(start) * 1e3)
                    work.append((processorSeconds() - busy) * 1e3)
                }
                let numbers = String(
                    format: "best %8.1f ms, median %8.1f ms, least processor time %8.1f ms, peak %6d MiB",
                    times.min() ?? 0, times.sorted()[times.count / 2], work.min() ?? 0, peak())
                print("PVT \(name.padding(toLength: 44, withPad: " ", startingAt: 0)) \(numbers)")
            } catch {
                print("PVT \(name) failed: \(error)")
            }
        }
        thread.stackSize = 8 << 20
        thread.start()
        done.wait()
    }

    /// Of all threads of this process: what a call costs, whoever else is busy on the machine.
    private static func processorSeconds() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
    }

    /// The largest resident size of this process so far, in MiB.
    private static func peak() -> Int {
        let lines = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8))?.split(separator: "\n") ?? []
        return lines.first { $0.hasPrefix("VmHWM") }.flatMap { Int($0.filter(\.isNumber)) }.map { $0 / 1024 } ?? 0
    }

    @Test(arguments: Precision.allCases) func inference(precision: Precision) throws {
        guard precision == .float32 || EngineSetup.hasBFloat16 else { return }
        Self.measure("inference \(precision) 352") {
            let predictor = try PolypPVTPredictor(PolypPVT(.b2, seed: 1).parameters(), precision: precision)
            let images = try GoldenFormula.images("any", count: 1, height: 352, width: 352)
            return { _ = try predictor(images, height: 352, width: 352) }
        }
    }

    @Test(arguments: Precision.allCases) func training(precision: Precision) throws {
        guard precision == .float32 || EngineSetup.hasBFloat16 else { return }
        Self.measure("training \(precision) 352 x 2") {
            let settings = PolypPVTTrainingSettings(scales: [1], precision: precision)
            let trainer = try PolypPVTTrainer(PolypPVT(.b2, seed: 1), settings, seed: 1)
            let images = try GoldenFormula.images("any", count: 2, height: 352, width: 352)
            let masks = try Tensor(GoldenFormula.uniform("mask", count: 2 * 352 * 352).map { $0 > 0.3 ? 1 : 0 }, shape: [2, 352, 352, 1])
            return { _ = try trainer.step(images: images, masks: masks) }
        }
    }

    @Test(arguments: [(88, 512), (44, 1024), (22, 1280), (11, 2048)]) func depthwise(side: Int, channels: Int) throws {
        for precision in Precision.allCases where precision == .float32 || EngineSetup.hasBFloat16 {
            Self.measure("depthwise forward \(precision) \(side) \(channels)") {
                let layer = try Conv2d(
                    channels, channels, kernel: 3, geometry: ConvolutionGeometry(padding: 1, groups: channels), hasBias: true)
                let x = try GoldenFormula.images("any", count: 2, channels: channels, height: side, width: side)
                return { _ = try layer(x, ForwardPass(.evaluation, precision: precision)) }
            }
            Self.measure("depthwise both ways \(precision) \(side) \(channels)") {
                let layer = try Conv2d(
                    channels, channels, kernel: 3, geometry: ConvolutionGeometry(padding: 1, groups: channels), hasBias: true)
                let x = try GoldenFormula.images("any", count: 2, channels: channels, height: side, width: side)
                return {
                    let tape = Tape()
                    tape.watch(x)
                    let y = try layer(x, ForwardPass(.training, recordingOn: tape, precision: precision))
                    try tape.backward(from: [(y, x)])
                }
            }
        }
    }
}
