import Foundation
import NeuralNetwork
import Testing

/// Attention with relative positions, against sums written out.
@Suite struct RelativePositionTests {
    private static let (rows, columns, heads, width) = (3, 4, 2, 5)

    /// softmax(q·k/√d + q·R[y_q − y_k] + q·C[x_q − x_k])·v of one head and query.
    private static func expected(_ all: [Float], row: [Float], column: [Float], head: Int, query: Int) -> [Double] {
        let (tokens, all) = (rows * columns, all.map(Double.init))
        func part(_ index: Int, _ token: Int) -> ArraySlice<Double> {
            let start = (token * 3 + index) * heads * width + head * width
            return all[start..<start + width]
        }
        func product(_ a: ArraySlice<Double>, _ table: [Float], _ place: Int) -> Double {
            zip(a, table[place * width..<(place + 1) * width]).reduce(0) { $0 + $1.0 * Double($1.1) }
        }
        let q = part(0, query)
        let weights = (0..<tokens).map { key in
            let score = zip(q, part(1, key)).reduce(0) { $0 + $1.0 * $1.1 } / Double(width).squareRoot()
            return exp(
                score + product(q, row, query / columns - key / columns + rows - 1)
                    + product(q, column, query % columns - key % columns + columns - 1))
        }
        let sum = weights.reduce(0, +)
        return (0..<width).map { i in
            (0..<tokens).reduce(0) { $0 + weights[$1] / sum * part(2, $1)[part(2, $1).startIndex + i] }
        }
    }

    @Test(arguments: Precision.allCases) func equalsTheSums(precision: Precision) throws {
        guard precision == .float32 || EngineSetup.hasBFloat16 else { try Test.cancel("the processor does not multiply bf16") }
        let tokens = Self.rows * Self.columns
        let numbers = FiniteDifference.numbers(2 * tokens * 3 * Self.heads * Self.width, seed: 3)
        let all = try Tensor(numbers, shape: [2, tokens, 3 * Self.heads * Self.width])
        let row = try Parameter.filled([2 * Self.rows - 1, Self.width], seed: 4)
        let column = try Parameter.filled([2 * Self.columns - 1, Self.width], seed: 5)
        let pass = ForwardPass(.evaluation, precision: precision)
        let query = try AttentionOperand.part(all, 0, of: 3, heads: Self.heads)
        let seen = try pass.attention(
            query: query, key: .part(all, 1, of: 3, heads: Self.heads), value: .part(all, 2, of: 3, heads: Self.heads),
            bias: pass.relativePositions(
                of: query, rows: Self.rows, columns: Self.columns, rowTable: row, columnTable: column)
        ).values
        let half = numbers.count / 2
        for (image, head, token) in [(0, 0, 0), (0, 1, 5), (1, 0, 11), (1, 1, 6)] {
            let expected = Self.expected(
                Array(numbers[image * half..<(image + 1) * half]), row: row.values, column: column.values, head: head,
                query: token)
            for i in 0..<Self.width {
                let place = ((image * tokens + token) * Self.heads + head) * Self.width + i
                #expect(abs(Double(seen[place]) - expected[i]) < (precision == .float32 ? 1e-5 : 2e-2))
            }
        }
    }

    /// A table for seven distances on a grid of three: as PyTorch's linear interpolation from 7 to 5.
    @Test func tablesOfOtherLengthsAreInterpolated() throws {
        let long = try Parameter(shape: [7, 1])
        long.set([0, 1, 4, 9, 16, 25, 36])
        let short = try Parameter(shape: [5, 1])
        short.set([0.2, 2.8, 9, 19.6, 33.8])
        let all = try Tensor(FiniteDifference.numbers(9, seed: 1), shape: [1, 9, 1])
        let whole = try AttentionOperand.whole(all, heads: 1)
        let pass = ForwardPass(.evaluation)
        let seen = try [long, short].map { table in
            try pass.attention(
                query: whole, key: whole, value: whole,
                bias: pass.relativePositions(of: whole, rows: 3, columns: 3, rowTable: table, columnTable: short)
            ).values
        }
        #expect(zip(seen[0], seen[1]).allSatisfy { abs($0 - $1) < 1e-5 })
    }

    @Test func refusesRecordingAndOtherGrids() throws {
        let table = try Parameter.filled([5, 4], seed: 1)
        let x = try Tensor.zeros([1, 9, 4])
        let whole = try AttentionOperand.whole(x, heads: 1)
        #expect(throws: EngineError.self) {
            try ForwardPass(.evaluation).relativePositions(
                of: whole, rows: 2, columns: 3, rowTable: table, columnTable: table)
        }
        let tape = Tape()
        tape.watch(x)
        #expect(throws: EngineError.self) {
            try ForwardPass(.training, recordingOn: tape).relativePositions(
                of: whole, rows: 3, columns: 3, rowTable: table, columnTable: table)
        }
    }
}
