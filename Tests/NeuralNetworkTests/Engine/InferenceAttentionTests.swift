import NeuralNetwork
import Testing

/// Attention of inference passes, which one kernel computes, against that of a pass that records.
@Suite struct InferenceAttentionTests {
    private static func tensor(_ shape: [Int], seed: UInt64) throws -> Tensor {
        try Tensor(FiniteDifference.numbers(shape.reduce(1, *), seed: seed), shape: shape)
    }

    private static func attention(
        _ x: (q: Tensor, k: Tensor, v: Tensor), heads: Int, _ pass: ForwardPass, result: Precision? = nil
    ) throws -> Tensor {
        try pass.attention(
            query: .whole(x.q, heads: heads), key: .whole(x.k, heads: heads), value: .whole(x.v, heads: heads),
            result: result)
    }

    /// Queries and keys that fill no block or panel, one of each, values wider and narrower than keys.
    @Test(
        arguments: [(1, 1, 8, 8), (17, 33, 16, 48), (40, 785, 64, 64), (121, 49, 32, 32), (5, 64, 2, 3)], Precision.allCases)
    func equalsTheRecordedPass(sizes: (queries: Int, keys: Int, width: Int, values: Int), precision: Precision) throws {
        guard precision == .float32 || EngineSetup.hasBFloat16 else { try Test.cancel("the processor does not multiply bf16") }
        let x = (
            q: try Self.tensor([2, sizes.queries, 3 * sizes.width], seed: 1),
            k: try Self.tensor([2, sizes.keys, 3 * sizes.width], seed: 2),
            v: try Self.tensor([2, sizes.keys, 3 * sizes.values], seed: 3)
        )
        // What needs no gradient is not recorded: something has to.
        let tape = Tape()
        tape.watch(x.v)
        let wanted = try Self.attention(x, heads: 3, ForwardPass(.evaluation, recordingOn: tape)).values
        let seen = try Self.attention(x, heads: 3, ForwardPass(.evaluation, precision: precision), result: .float32).values
        let largest = wanted.reduce(Float(0)) { max($0, abs($1)) }
        let limit = largest * (precision == .float32 ? 5e-6 : 2e-2)
        #expect(largest > 0 && zip(seen, wanted).allSatisfy { abs($0 - $1) <= limit })
    }

    /// The last bits depend neither on the number of threads nor on what is beside; bf16 is the rounded fp32 result.
    @Test(
        .enabled(
            if: EngineSetup.instructionSet.hasPrefix("avx512"), "without AVX-512 oneDNN's kernels divide sums by threads"))
    func isTheSameForAnyNumberOfThreads() throws {
        let x = (
            q: try Self.tensor([1, 300, 64], seed: 1), k: try Self.tensor([1, 70, 64], seed: 2),
            v: try Self.tensor([1, 70, 64], seed: 3)
        )
        let threads = ComputeThreads.current
        defer { ComputeThreads.set(threads) }
        var results: [[Float]] = []
        for count in [1, 2, 7] {
            ComputeThreads.set(count)
            results.append(try Self.attention(x, heads: 2, ForwardPass(.evaluation)).values)
        }
        #expect(results.allSatisfy { $0 == results[0] })
        let twice = (
            q: try Tensor.concatenated([x.q, x.q]), k: try Tensor.concatenated([x.k, x.k]),
            v: try Tensor.concatenated([x.v, x.v])
        )
        #expect(try Self.attention(twice, heads: 2, ForwardPass(.evaluation)).values == results[0] + results[0])
        let rounded = try Self.attention(x, heads: 2, ForwardPass(.evaluation), result: .bfloat16)
        let expected = try Tensor(results[0], shape: rounded.shape).converted(to: .bfloat16)
        #expect(rounded.precision == .bfloat16 && rounded.values == expected.values)
    }
}
