import Foundation
import Models
import NeuralNetwork
import Synchronization
import Testing

@Suite struct SegmentationPredictorTests {
    private static func images() throws -> Tensor { try GoldenFormula.images("seen", count: 2, height: 64, width: 96) }

    private static func predictor(_ precision: Precision) throws -> SegmentationPredictor {
        let network = try PolypPVT(.b0, seed: nil)
        GoldenFormula.fill(network)
        return try SegmentationPredictor(network.parameters(), SegmentationKind(PolypPVTFamily(), .b0), precision: precision)
    }

    /// Each image alone fills [0, 1], at the size asked for.
    @Test func imagesAreStretchedOneByOne() throws {
        let predictor = try Self.predictor(.float32)
        let seen = try predictor(Self.images(), height: 50, width: 70)
        #expect(seen.shape == [2, 50, 70, 1])
        for image in 0..<2 {
            let values = try seen.rows(image..<image + 1).values
            #expect(values.min() == 0)
            #expect(abs((values.max() ?? 0) - 1) < 1e-4)
            let alone = try predictor(Self.images().rows(image..<image + 1), height: 50, width: 70).values
            #expect(zip(alone, values).allSatisfy { abs($0 - $1) < 1e-4 })
        }
    }

    /// The sigmoid of the sum, min-max normalised, written out.
    @Test func isTheFormula() throws {
        let network = try PolypPVT(.b0, seed: nil)
        GoldenFormula.fill(network)
        let pass = ForwardPass(.evaluation)
        let outputs = try network(Self.images(), pass)
        let shares = zip(outputs.first.values, outputs.second.values).map { 1 / (1 + exp(-Double($0.0) - Double($0.1))) }
        let seen = try Self.predictor(.float32)(Self.images(), height: 64, width: 96).values
        for image in 0..<2 {
            let range = image * 64 * 96..<(image + 1) * 64 * 96
            let (low, high) = (shares[range].min() ?? 0, shares[range].max() ?? 1)
            #expect(range.allSatisfy { abs(Double(seen[$0]) - (shares[$0] - low) / (high - low + 1e-8)) < 1e-4 })
        }
    }

    @Test(.enabled(if: EngineSetup.hasBFloat16, "the processor has no bf16")) func bfloat16IsNear() throws {
        let full = try Self.predictor(.float32)(Self.images(), height: 64, width: 96).values
        let half = try Self.predictor(.bfloat16)(Self.images(), height: 64, width: 96).values
        let apart = zip(full, half).reduce(Float(0)) { $0 + abs($1.0 - $1.1) } / Float(full.count)
        #expect(apart > 0 && apart < 0.02)
    }

    /// Threads that start on one predictor at once, before anything is packed, all get the same numbers.
    @Test func threadsShareOnePredictor() throws {
        let predictor = try Self.predictor(.float32)
        let seen = Mutex<[[Float]]>([])
        DispatchQueue.concurrentPerform(iterations: 4) { _ in
            ComputeThreads.set(1)
            if let made = try? predictor(Self.images(), height: 64, width: 96).values { seen.withLock { $0.append(made) } }
        }
        let results = seen.withLock { $0 }
        #expect(results.count == 4)
        #expect(results.allSatisfy { $0 == results[0] })
    }

    @Test func refusesOtherParameters() throws {
        let small = try PolypPVT(.b0, seed: nil).parameters()
        #expect(throws: ParameterError.self) {
            try SegmentationPredictor(small, SegmentationKind(PolypPVTFamily(), .b1), precision: .float32)
        }
    }
}
