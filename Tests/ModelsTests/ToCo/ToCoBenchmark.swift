import Foundation
import Models
import NeuralNetwork
import Testing

/// Times of ToCo, printed by `ops/bench/networks/toco_run`; skipped in ordinary test runs.
@Suite(.serialized, .enabled(if: ProcessInfo.processInfo.environment["ENDOKED_BENCH"] != nil, "a benchmark: ops/bench/networks/toco_run"))
struct ToCoBenchmark {
    private static let wanted = ProcessInfo.processInfo.environment["ENDOKED_BENCH"] ?? ""
    private static let threads = ProcessInfo.processInfo.environment["ENDOKED_BENCH_THREADS"].flatMap(Int.init) ?? 2

    /// Processor seconds of the whole process.
    private static func processSeconds() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
    }

    private static func measure(_ name: String, repeats: Int, _ body: () throws -> Void) rethrows {
        guard wanted == "all" || name.contains(wanted) else { return }
        ComputeThreads.set(threads)
        try body()
        var (best, bestCPU) = (Double.infinity, Double.infinity)
        for _ in 0..<repeats {
            let (wall, cpu) = (Date(), processSeconds())
            try body()
            best = min(best, Date().timeIntervalSince(wall))
            bestCPU = min(bestCPU, processSeconds() - cpu)
        }
        print("BENCH", name.padding(toLength: 40, withPad: " ", startingAt: 0), String(format: "%8.1f ms wall %8.1f ms cpu", best * 1e3, bestCPU * 1e3))
    }

    private static func network() throws -> ToCoNetwork {
        var configuration = ToCoConfiguration()
        configuration.hasProjections = false
        let network = try ToCoNetwork(configuration, seed: nil)
        GoldenFormula.fill(network)
        return network
    }

    @Test(arguments: Precision.allCases) func inference(precision: Precision) throws {
        let network = try Self.network()
        let localiser = try ToCoLocaliser(
            network.parameters(), configuration: network.configuration,
            normalisation: ColourNormalisation(mean: [0.5, 0.5, 0.5], deviation: [0.25, 0.25, 0.25]), maps: .training,
            precision: precision)
        let rgb = (0..<448 * 448 * 3).map { UInt8(truncatingIfNeeded: $0 &* 7919 >> 5) }
        try Self.measure("toco 448 \(precision)", repeats: 5) {
            _ = try localiser.probability(rgb: rgb, height: 448, width: 448)
        }
        try Self.measure("toco multiscale 448 \(precision)", repeats: 2) {
            _ = try localiser.localise(rgb: rgb, height: 448, width: 448)
        }
    }

    /// Encoder, decoder, classification and segmentation losses, AdamW: what is timed in PyTorch as well.
    @Test(arguments: Precision.allCases) func training(precision: Precision) throws {
        var settings = ToCoTrainingSettings()
        settings.precision = precision
        settings.mapPrecision = precision
        settings.segmentationStart = 0
        settings.weights.patchContrast = 0
        let images = try GoldenFormula.images("bench", count: 2, height: 224, width: 224)
        let trainer = try ToCoTrainer(Self.network(), settings, seed: 1)
        // Images without the finding need no maps: the step itself.
        try Self.measure("toco step 2 x 224 \(precision)", repeats: 4) { _ = try trainer.step(images: images, labels: [0, 0]) }
        try Self.measure("toco step 2 x 224 maps \(precision)", repeats: 2) { _ = try trainer.step(images: images, labels: [1, 0]) }
    }

    @Test func parts() throws {
        let clock = ContinuousClock()
        let network = try Self.network()
        print("BENCH fill", clock.measure { GoldenFormula.fill(network) })
        let image = try GoldenFormula.images("bench", count: 1, height: 224, width: 224)
        let masks = try GoldenFormula.images("bench.mask", count: 1, channels: 4, height: 224, width: 224)
        try Self.measure("par 224 x 224, 4 masks", repeats: 5) { _ = try PixelAdaptiveRefinement()(images: image, masks: masks) }
        let logits = try GoldenFormula.images("bench.mask", count: 2, channels: 2, height: 448, width: 448)
        let labels = (0..<2 * 448 * 448).map { UInt8($0 % 2) }
        try Self.measure("segmentation loss 2 x 448", repeats: 3) { _ = try ToCoLosses.segmentation(logits, labels: labels) }
        try Self.measure("dice loss 2 x 448", repeats: 3) { _ = try ToCoLosses.dice(logits, labels: labels) }
        let cosines = try GoldenFormula.images("bench.cos", count: 2, channels: 784, height: 784, width: 1)
        let flat = try ForwardPass(.evaluation).reshaped(cosines, to: [2, 784, 784])
        let hidden = try GoldenFormula.vectors("bench", shape: [785, 768])
        let wide = try Linear(768, 3072)
        GoldenFormula.fill(wide, prefix: "bench")
        for precision in Precision.allCases {
            for activation in [PostOperation.none, .geluErf] {
                try Self.measure("linear 785 x 768 x 3072 \(precision) \(activation)", repeats: 8) {
                    _ = try wide(hidden, ForwardPass(.evaluation, precision: precision), activation: activation)
                }
            }
        }
        let patchLabels = (0..<2 * 784).map { UInt8($0 % 3 == 0 ? 1 : 0) }
        try Self.measure("patch contrast 2 x 784", repeats: 3) { _ = try ToCoLosses.patchContrast(flat, labels: patchLabels) }
        let colours = try GoldenFormula.images("bench.colour", count: 2, channels: 3, height: 56, width: 56)
        let small = try GoldenFormula.images("bench.mask", count: 2, channels: 2, height: 56, width: 56)
        try Self.measure("dense energy 2 x 56", repeats: 3) { _ = try DenseEnergy(weight: 1)(small, colours: colours) }
    }
}
