import Foundation
import Models
import NeuralNetwork
import Testing

/// Times of the engine, printed by `ops/bench/engine/run`; skipped in ordinary test runs.
@Suite(.serialized, .enabled(if: ProcessInfo.processInfo.environment["ENDOKED_BENCH"] != nil, "a benchmark: ops/bench/engine/run"))
struct EngineBenchmark {
    private static let wanted = ProcessInfo.processInfo.environment["ENDOKED_BENCH"] ?? ""

    /// Processor seconds of the calling thread: what a slot costs, whoever else is busy on the machine.
    private static func threadSeconds() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
    }

    /// Runs `body` once to warm up and `repeats` times for the clock, on a thread of its own with one compute thread.
    private static func measure(
        _ name: String, images: Int, repeats: Int, _ body: @escaping @Sendable () throws -> () throws -> Void
    ) {
        guard wanted == "all" || name.contains(wanted) else { return }
        let done = DispatchSemaphore(value: 0)
        let thread = Thread {
            defer { done.signal() }
            ComputeThreads.set(1)
            do {
                let run = try body()
                try run()
                var (best, bestCPU) = (Double.infinity, Double.infinity)
                for _ in 0..<repeats {
                    let (wall, cpu) = (Date(), threadSeconds())
                    try run()
                    best = min(best, Date().timeIntervalSince(wall))
                    bestCPU = min(bestCPU, threadSeconds() - cpu)
                }
                let each = String(
                    format: "%7.2f ms/image wall, %7.2f ms/image cpu, %7.1f ms a call", best * 1e3 / Double(images),
                    bestCPU * 1e3 / Double(images), best * 1e3)
                print("BENCH \(name.padding(toLength: 44, withPad: " ", startingAt: 0)) \(each)")
            } catch {
                print("BENCH \(name) failed: \(error)")
            }
        }
        thread.stackSize = 8 << 20
        thread.start()
        done.wait()
    }

    @Test func scoring() throws {
        let network = try MILNetwork(seed: 1)
        for precision in Precision.allCases where precision == .float32 || EngineSetup.hasBFloat16 {
            let scorer = try MILScorer(network, normalisation: MILScorerTests.normalisation(), precision: precision)
            for (size, count) in [(512, 4), (224, 8), (128, 16)] {
                let rgb = MILScorerTests.pixels(count * size * size * 3, seed: 1)
                Self.measure("score \(precision) \(size)² × \(count)", images: count, repeats: 6) {
                    { _ = try scorer.score(rgb: rgb, count: count, height: size, width: size) }
                }
            }
        }
    }

    @Test(arguments: Precision.allCases) func training(precision: Precision) throws {
        guard precision == .float32 || EngineSetup.hasBFloat16 else { try Test.cancel("the processor does not multiply bf16") }
        for (size, count) in [(128, 16), (128, 32), (512, 8)] {
            let name = "\(precision) \(size)² × \(count)"
            Self.measure("teacher step \(name)", images: count, repeats: 4) {
                let trainer = try MILTrainer(MILNetwork(seed: 1), MILTrainingSettings(precision: precision), seed: 1)
                let bag = try MILTrainerTests.bag(1, count: count, size: size)
                return { _ = try trainer.teacherStep(bag: bag.images, label: 1) }
            }
            Self.measure("student step \(name)", images: count, repeats: 4) {
                let trainer = try MILTrainer(MILNetwork(seed: 1), MILTrainingSettings(precision: precision), seed: 1)
                let bag = try MILTrainerTests.bag(1, count: count, size: size)
                return { _ = try trainer.studentStep(images: bag.images, targets: bag.targets) }
            }
        }
    }
}
