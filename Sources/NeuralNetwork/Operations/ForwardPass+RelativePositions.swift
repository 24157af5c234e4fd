import COneDNN

extension ForwardPass {
    /// Attention biases of queries on a grid for keys on the same grid: q · table[distance in rows] and
    /// q · table[distance in columns] (Li et al., MViTv2, 2022).
    ///
    /// A table has 2·extent − 1 rows of the head's width, for distances (query − key) from −(extent − 1) on; one of another
    /// length is interpolated linearly. For inference: `EngineError.unsupported` in a recorded pass.
    public func relativePositions(
        of query: AttentionOperand, rows: Int, columns: Int, rowTable: Parameter, columnTable: Parameter
    ) throws -> AttentionBias {
        guard records([query.tensor]) == nil else {
            throw EngineError(.unsupported, "relative positions cannot be trained: run them in an inference pass")
        }
        guard rowTable.shape.count == 2, columnTable.shape.count == 2, rowTable.shape[1] == query.width,
            columnTable.shape[1] == query.width, query.tokens == rows * columns, rows > 0, columns > 0
        else {
            throw EngineError(
                .shapeMismatch,
                "tables of \(rowTable.shape) and \(columnTable.shape) for \(query.tokens) queries of \(query.width) numbers "
                    + "on a grid of \(rows)×\(columns)")
        }
        let heads = try AttentionHeads(query, precision: precision)
        let reversed = try Self.reversed(rowTable, rows) + Self.reversed(columnTable, columns)
        let width = 2 * rows - 1 + 2 * columns - 1
        let table = try Tensor(reversed, shape: [width, query.width]).converted(to: precision)
        let matrices = heads.matrices
        let height = try Tensor(shape: [matrices, query.tokens, rows])
        let breadth = try Tensor(shape: [matrices, query.tokens, columns])
        // All distances of a query at once; those of its own keys are then a run of them.
        let step = max(1, (1 << 21) / (query.tokens * width))
        for first in stride(from: 0, to: matrices, by: step) {
            let count = min(step, matrices - first)
            var shape = MatmulShape(rows: count * query.tokens, columns: width, inner: query.width, transposesB: true)
            shape.precision = precision
            let products = try Tensor(shape: [count * query.tokens, width])
            try withExtendedLifetime((heads, table)) {
                try PrimitiveCache.shared.matmul(shape).forward(
                    heads.row(first), weights: table.memory.base, result: products.pointer)
            }
            nn_relative_runs(
                products.pointer, height.pointer + first * query.tokens * rows,
                breadth.pointer + first * query.tokens * columns, Int64(count), Int64(rows), Int64(columns))
        }
        return .decomposed(height: height, width: breadth)
    }

    /// A table for `extent` places, the greatest distance first: key 0, 1, … of a query then lie one after the other.
    private static func reversed(_ table: Parameter, _ extent: Int) throws -> [Float] {
        let (length, width, values) = (2 * extent - 1, table.shape[1], table.values)
        let axis = ResamplingAxis.linear(from: table.shape[0], to: length, alignsCorners: false)
        var made = [Float](repeating: 0, count: length * width)
        for row in 0..<length {
            let target = (length - 1 - row) * width
            for tap in Int(axis.first[row])..<Int(axis.first[row + 1]) {
                let source = Int(axis.index[tap]) * width
                for i in 0..<width { made[target + i] += axis.weight[tap] * values[source + i] }
            }
        }
        return made
    }
}
