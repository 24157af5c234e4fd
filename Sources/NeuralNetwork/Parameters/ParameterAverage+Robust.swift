extension ParameterAverage {
    /// Coordinate-wise median (`trimming` nil) or trimmed mean. Each delta is looked at whole, one after the other, and then
    /// tensor by tensor beside the others.
    ///
    /// Values of a coordinate are ordered by size, equal ones by replica; so the result depends on nothing else.
    static func robustMean(
        of sorted: [ParameterContribution], base: ParameterSet, algebra: ParameterAlgebra, trimming: Double?
    ) throws -> MeanDelta {
        let voting = sorted.filter { $0.sampleCount > 0 }
        let count = voting.count
        let cut: Int
        if let fraction = trimming {
            cut = Int((fraction * Double(count)).rounded(.down))
            guard cut >= 1, count - 2 * cut >= 1 else {
                throw ParameterError(
                    .tooFewContributions,
                    "a mean trimmed by \(fraction) needs at least \(Int((1 / fraction).rounded(.up))) contributions "
                        + "with samples; there are \(count)")
            }
        } else {
            guard count >= 3 else {
                throw ParameterError(
                    .tooFewContributions, "a median needs at least 3 contributions with samples; there are \(count)")
            }
            cut = (count - 1) / 2
        }

        var squares = [Double](repeating: 0, count: count)
        for (replica, contribution) in voting.enumerated() {
            let delta = try contribution.delta.all()
            try delta.requireLayout(of: base, in: "replica \(contribution.replica)")
            for entry in delta.entries {
                let norm = entry.values.reduce(0.0) { $0 + Double($1) * Double($1) }
                guard norm.isFinite else { throw notFinite(entry, of: voting[replica]) }
                squares[replica] += norm
            }
        }

        var mean = [Double](repeating: 0, count: base.totalCount)
        var trimmed = [Int](repeating: 0, count: count)
        var start = 0
        for entry in base.entries {
            let columns = try voting.map { contribution in
                let values = try contribution.delta.values(of: entry.name)
                try ParameterSet.check(entry.shape, of: entry.name, holds: values.count)
                return values
            }
            trim(columns, cut: cut, into: &mean, from: start, counting: &trimmed)
            start += entry.values.count
        }

        let total = Double(max(1, base.totalCount))
        let shares = voting.indices.map { replica in
            Share(
                replica: voting[replica].replica, sampleCount: voting[replica].sampleCount,
                deltaNorm: squares[replica].squareRoot(), trimmedShare: Double(trimmed[replica]) / total)
        }
        var warnings = [String]()
        if let least = voting.map(\.sampleCount).min(), let most = voting.map(\.sampleCount).max(), most > 10 * least {
            warnings.append(
                "sample counts differ more than tenfold (\(least) to \(most)): a robust rule gives each replica one vote")
        }
        return MeanDelta(values: mean, shares: shares, warnings: warnings)
    }

    /// For each coordinate the mean of its ordered values without `cut` at either end.
    private static func trim(
        _ columns: [[Float]], cut: Int, into mean: inout [Double], from start: Int, counting trimmed: inout [Int]
    ) {
        let count = columns.count
        let kept = Double(count - 2 * cut)
        var values = [Float](repeating: 0, count: count)
        var owners = [Int](repeating: 0, count: count)
        for coordinate in 0..<(columns.first?.count ?? 0) {
            // Insertion keeps equal values in the order of their replicas, and replicas are few.
            for replica in 0..<count {
                let value = columns[replica][coordinate]
                var place = replica
                while place > 0, values[place - 1] > value {
                    values[place] = values[place - 1]
                    owners[place] = owners[place - 1]
                    place -= 1
                }
                values[place] = value
                owners[place] = replica
            }
            var sum = 0.0
            for place in 0..<count {
                if place >= cut, place < count - cut {
                    sum += Double(values[place])
                } else {
                    trimmed[owners[place]] += 1
                }
            }
            mean[start + coordinate] = sum / kept
        }
    }
}
