import Foundation
import NeuralNetwork
import Testing

/// Times of a transformer's parts, printed by `ops/bench/engine/run`; skipped in ordinary test runs.
@Suite(.serialized, .enabled(if: ProcessInfo.processInfo.environment["ENDOKED_BENCH"] != nil, "a benchmark: ops/bench/engine/run"))
struct TransformerBenchmark {
    /// The layers of one block of ViT-B.
    private final class Block {
        let qkv, projection, up, down: Linear
        let norm: LayerNorm

        init() throws {
            (qkv, projection) = (try Linear(768, 2304), try Linear(768, 768))
            (up, down, norm) = (try Linear(768, 3072), try Linear(3072, 768), try LayerNorm(768))
            for (index, layer) in [qkv, projection, up, down].enumerated() {
                Initialisation.uniformFanIn(layer.weight, seed: 1, name: "\(index)")
            }
        }
    }

    /// ViT-B at 448 (785 tokens), a window of Segment Anything (25 × 196), and its global attention (4096).
    @Test(arguments: [(1, 785), (25, 196), (1, 4096)]) func block(batches: Int, tokens: Int) throws {
        for precision in Precision.allCases where precision == .float32 || EngineSetup.hasBFloat16 {
            let rows = Double(batches * tokens)
            let scores = 4 * rows * Double(tokens) * 768
            try measure("\(precision) \(batches)×\(tokens) norm", flops: rows * 768 * 8, precision) { block, x, _, pass in
                _ = try block.norm(x, pass)
            }
            try measure("\(precision) \(batches)×\(tokens) qkv", flops: 2 * rows * 768 * 2304, precision) { block, x, _, pass in
                _ = try block.qkv(x, pass)
            }
            try measure("\(precision) \(batches)×\(tokens) attention", flops: scores, precision) { _, _, qkv, pass in
                _ = try pass.attention(
                    query: .part(qkv, 0, of: 3, heads: 12), key: .part(qkv, 1, of: 3, heads: 12), value: .part(qkv, 2, of: 3, heads: 12))
            }
            try measure("\(precision) \(batches)×\(tokens) projection + residual", flops: 2 * rows * 768 * 768, precision) {
                block, x, _, pass in _ = try block.projection(x, pass, adding: x)
            }
            try measure("\(precision) \(batches)×\(tokens) mlp", flops: 4 * rows * 768 * 3072, precision) { block, x, _, pass in
                _ = try block.down(block.up(x, pass, activation: .geluErf), pass, adding: x)
            }
        }

        func measure(
            _ name: String, flops: Double, _ precision: Precision,
            _ body: @escaping (Block, Tensor, Tensor, ForwardPass) throws -> Void
        ) throws {
            ComputeThreads.set(1)
            let block = try Block()
            let pass = ForwardPass(.evaluation, precision: precision)
            let numbers = (0..<batches * tokens * 768).map { Float($0 % 97) / 97 - 0.5 }
            let x = try Tensor(numbers, shape: [batches, tokens, 768]).converted(to: precision)
            let qkv = try block.qkv(x, pass)
            var times: [Double] = []
            for _ in 0..<7 {
                let start = Date()
                try body(block, x, qkv, pass)
                times.append(Date().timeIntervalSince(start))
            }
            let best = times.dropFirst().min() ?? 0
            print(String(format: "BENCH %@ %8.2f ms %7.1f GFLOP/s", name.padding(toLength: 44, withPad: " ", startingAt: 0), best * 1e3, flops / best * 1e-9))
        }
    }
}
