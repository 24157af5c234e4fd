/// How the numbers along one side of an image become others: each result is a weighted sum of some sources.
package struct ResamplingAxis: Sendable, Hashable {
    /// Source numbers along the side.
    package let sources: Int
    /// Where the taps of each result begin; one more at the end.
    let first: [Int32]
    /// Which source each tap reads, and how much of it counts.
    let index: [Int32]
    let weight: [Float]

    /// The taps of each result: a source and its weight.
    package init(sources: Int, taps: [[(source: Int, weight: Float)]]) {
        self.sources = sources
        var first: [Int32] = [0]
        var (index, weight): ([Int32], [Float]) = ([], [])
        for list in taps {
            for tap in list {
                index.append(Int32(clamping: tap.source))
                weight.append(tap.weight)
            }
            first.append(Int32(clamping: index.count))
        }
        (self.first, self.index, self.weight) = (first, index, weight)
    }

    package var results: Int { first.count - 1 }

    /// Only the results `range`.
    package func results(_ range: Range<Int>) -> ResamplingAxis {
        ResamplingAxis(sources: sources, taps: range.map(taps(of:)))
    }

    private func taps(of result: Int) -> [(source: Int, weight: Float)] {
        (Int(first[result])..<Int(first[result + 1])).map { (Int(index[$0]), weight[$0]) }
    }

    /// Whether it changes nothing.
    var isIdentity: Bool {
        sources == results && index.count == sources && weight.allSatisfy { $0 == 1 }
            && index.enumerated().allSatisfy { $0.offset == Int($0.element) }
    }

    /// The way that gradients take: from each source to the results that read it, in the order of results.
    var transposed: ResamplingAxis {
        var taps = [[(source: Int, weight: Float)]](repeating: [], count: sources)
        for result in 0..<results {
            for tap in self.taps(of: result) { taps[tap.source].append((result, tap.weight)) }
        }
        return ResamplingAxis(sources: results, taps: taps)
    }

    /// Linear interpolation. Corners aligned: the outermost numbers' centres fall on each other; otherwise the sides'
    /// ends do, and results beyond the first or last centre repeat that number. Places are computed in fp32, as the
    /// references do.
    package static func linear(from sources: Int, to results: Int, alignsCorners: Bool) -> ResamplingAxis {
        let step =
            alignsCorners
            ? (results > 1 ? Float(sources - 1) / Float(results - 1) : 0) : Float(sources) / Float(results)
        return ResamplingAxis(
            sources: sources,
            taps: (0..<results).map { result in
                let place = alignsCorners ? step * Float(result) : max(0, step * (Float(result) + 0.5) - 0.5)
                let lower = min(Int(place), sources - 1)
                let share = place - Float(lower)
                guard share > 0, lower + 1 < sources else { return [(lower, 1)] }
                return [(lower, 1 - share), (lower + 1, share)]
            })
    }

    /// The source whose range a result's beginning falls into.
    package static func nearest(from sources: Int, to results: Int) -> ResamplingAxis {
        let step = Float(sources) / Float(results)
        return ResamplingAxis(
            sources: sources, taps: (0..<results).map { [(min(Int(Float($0) * step), sources - 1), 1)] })
    }

    /// The mean over bins from ⌊i·sources/results⌋ up to ⌈(i + 1)·sources/results⌉, which may overlap.
    package static func average(from sources: Int, to results: Int) -> ResamplingAxis {
        ResamplingAxis(
            sources: sources,
            taps: (0..<results).map { result in
                let bin = result * sources / results..<((result + 1) * sources + results - 1) / results
                return bin.map { ($0, 1 / Float(bin.count)) }
            })
    }
}
