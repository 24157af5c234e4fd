import Digest
import Foundation
import NeuralNetwork
import Testing

@Suite struct ParameterAverageTests {
    static func set(_ values: [Float], _ name: String = "w") throws -> ParameterSet {
        try ParameterSet(entries: [.init(name: name, shape: [values.count], values: values)])
    }

    /// Deltas whose float sums depend on the order in which they are added.
    static func awkward(_ count: Int) throws -> (base: ParameterSet, contributions: [ParameterContribution]) {
        func values(_ seed: Int, _ count: Int) -> [Float] {
            var state = UInt64(seed) &* 0x9E37_79B9_7F4A_7C15 | 1
            return (0..<count).map { _ in
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                let unit = Float(state >> 40) / Float(1 << 24) - 0.5
                return unit * Float(sign: .plus, exponent: Int(state >> 33 & 15) - 8, significand: 1)
            }
        }
        func make(_ seed: Int) throws -> ParameterSet {
            try ParameterSet(entries: [
                .init(name: "bn.running_var", shape: [5], values: values(seed + 1000, 5).map(abs)),
                .init(name: "conv.weight", shape: [10, 11, 3, 7], values: values(seed, 2310)),
                .init(name: "scale", shape: [], values: values(seed + 7, 1)),
            ])
        }
        let contributions = try (0..<count).map {
            ParameterContribution(replica: "r\($0)", sampleCount: 1 + 37 * $0, delta: try make($0 + 1))
        }
        return (try make(0), contributions)
    }

    @Test func weightedMeanByHand() throws {
        let outcome = try ParameterAverage().apply(
            [
                .init(replica: "b", sampleCount: 3, delta: Self.set([4, -4, 0])),
                .init(replica: "a", sampleCount: 1, delta: Self.set([0, 8, 0])),
                .init(replica: "idle", sampleCount: 0, delta: Self.set([100, 100, 100])),
            ], to: Self.set([1, 1, 1]))
        #expect(outcome.parameters == (try Self.set([4, 0, 1])))
        #expect(outcome.momentum == nil)
        #expect(outcome.contributions.map(\.replica) == ["a", "b"])
        #expect(outcome.contributions.map(\.deltaNorm) == [8, Double(32).squareRoot()])
        #expect(outcome.meanDeltaNorm == Double(10).squareRoot())
        #expect(outcome.warnings.isEmpty)
    }

    @Test(arguments: [
        ParameterAverage(), ParameterAverage(outerOptimiser: .diLoCo), ParameterAverage(rule: .median),
        ParameterAverage(rule: .trimmedMean(fraction: 0.25), outerOptimiser: .diLoCo),
    ])
    func sameBitsInWhicheverOrder(average: ParameterAverage) throws {
        let (base, contributions) = try Self.awkward(7)
        let expected = try average.apply(contributions, to: base)
        #expect(expected.parameters != base)
        for shift in 1..<7 {
            let turned = Array(contributions[shift...] + contributions[..<shift])
            #expect(try average.apply(turned, to: base) == expected)
            #expect(try average.apply(turned.reversed(), to: base).parameters.digest == expected.parameters.digest)
        }
    }

    /// Exact whatever the kernel: the same sum in plain Swift.
    @Test func weightedMeanEqualsPlainSumsToTheBit() throws {
        let (base, contributions) = try Self.awkward(5)
        let outcome = try ParameterAverage().apply(contributions, to: base)
        let plain = try base.entries.enumerated().map { index, entry in
            var sum = [Double](repeating: 0, count: entry.values.count)
            for k in 0..<5 {
                let delta = try Self.delta(of: k).entries[index].values
                for place in sum.indices { sum[place] += Double(1 + 37 * k) * Double(delta[place]) }
            }
            let total = Double((0..<5).reduce(0) { $0 + 1 + 37 * $1 })
            return zip(entry.values, sum).map { Float(Double($0) + $1 / total) }
        }
        #expect(outcome.parameters.entries.map(\.values) == plain)
    }

    private static func delta(of replica: Int) throws -> ParameterSet {
        // One contribution averaged onto zeros is the contribution itself.
        let all = try awkward(replica + 1)
        return try ParameterAverage().apply([all.contributions[replica]], to: all.base.zeros).parameters
    }

    @Test func nesterovFollowsTheFormulaOverRounds() throws {
        let average = ParameterAverage(outerOptimiser: .nesterov(momentum: 0.5, learningRate: 0.25))
        var base = try ParameterSet(entries: [
            .init(name: "bn.running_var", shape: [1], values: [1]), .init(name: "w", shape: [1], values: [0]),
        ])
        var momentum: ParameterSet?
        var (theta, velocity) = (0.0, 0.0)
        for delta in [8.0, -4.0, 2.0] {
            let change = try ParameterSet(entries: [
                .init(name: "bn.running_var", shape: [1], values: [-0.25]),
                .init(name: "w", shape: [1], values: [Float(delta)]),
            ])
            let outcome = try average.apply(
                [.init(replica: "a", sampleCount: 1, delta: change)], to: base, momentum: momentum)
            (base, momentum) = (outcome.parameters, outcome.momentum)
            velocity = 0.5 * velocity + delta
            theta += 0.25 * (delta + 0.5 * velocity)
            #expect(base["w"]?.values == [Float(theta)])
            #expect(momentum?["w"]?.values == [Float(velocity)])
        }
        // Running statistics take the plain mean: with momentum the variance would have fallen below zero.
        #expect(base["bn.running_var"]?.values == [0.25])
    }

    @Test func robustRulesByHand() throws {
        let votes: [(Float, Float)] = [(1, 5), (2, 5), (1000, 5), (3, -9), (4, 6)]
        let contributions = try votes.enumerated().map { index, vote in
            ParameterContribution(
                replica: "\(index)", sampleCount: index == 0 ? 100 : 1, delta: try Self.set([vote.0, vote.1]))
        }
        let base = try Self.set([0, 0])
        let median = try ParameterAverage(rule: .median).apply(contributions, to: base)
        #expect(median.parameters["w"]?.values == [3, 5])
        #expect(median.warnings.count == 1)
        let trimmed = try ParameterAverage(rule: .trimmedMean(fraction: 0.2)).apply(contributions, to: base)
        #expect(trimmed.parameters["w"]?.values == [3, 5])
        #expect(trimmed.contributions.map(\.trimmedShare) == [0.5, 0, 0.5, 0.5, 0.5])
        let even = try ParameterAverage(rule: .median).apply(Array(contributions.prefix(4)), to: base)
        #expect(even.parameters["w"]?.values == [2.5, 5])
    }

    @Test func refusesWhatCannotBeAveraged() throws {
        let base = try Self.set([0, 0])
        let good = ParameterContribution(replica: "a", sampleCount: 1, delta: try Self.set([1, 1]))
        func code(_ rule: ParameterAverage.Rule = .weightedMean, _ bad: ParameterContribution...) -> ParameterError? {
            do { _ = try ParameterAverage(rule: rule).apply([good] + bad, to: base) } catch {
                return error as? ParameterError
            }
            return nil
        }
        let zero = ParameterContribution(replica: "z", sampleCount: 0, delta: base)
        #expect(throws: ParameterError.self) { try ParameterAverage().apply([zero], to: base) }
        #expect(throws: ParameterError.self) { try ParameterAverage().apply([], to: base) }
        #expect(code(.weightedMean, .init(replica: "b", sampleCount: -1, delta: base))?.code == .noWeight)
        #expect(code(.weightedMean, .init(replica: "a", sampleCount: 1, delta: base))?.code == .duplicateName)
        #expect(code(.weightedMean, .init(replica: "b", sampleCount: 1 << 29, delta: base))?.code == .invalidOption)
        for value in [Float.nan, .infinity, -.infinity] {
            let bad = ParameterContribution(replica: "b", sampleCount: 1, delta: try Self.set([0, value]))
            let error = code(.weightedMean, bad)
            #expect(error?.code == .notFinite)
            #expect(error?.message.contains("tensor w") == true && error?.message.contains("replica b") == true)
            let third = ParameterContribution(replica: "c", sampleCount: 1, delta: base)
            #expect(code(.median, bad, third)?.code == .notFinite)
        }
        let huge = ParameterContribution(
            replica: "b", sampleCount: 1, delta: try Self.set([.greatestFiniteMagnitude, 0]))
        #expect {
            try ParameterAverage(outerOptimiser: .nesterov(momentum: 0.9, learningRate: 5)).apply([huge], to: base)
        } throws: { ($0 as? ParameterError)?.code == .notFinite }

        let odd = try ParameterSet(entries: [
            .init(name: "v", shape: [2], values: [0, 0]), .init(name: "w", shape: [3], values: [0, 0, 0]),
        ])
        let error = code(.weightedMean, .init(replica: "b", sampleCount: 1, delta: odd))
        #expect(error?.code == .missingTensors)
        #expect(error?.message.contains("v is extra") == true && error?.message.contains("w is [3], not [2]") == true)
        let none = code(.weightedMean, .init(replica: "b", sampleCount: 1, delta: ParameterSet()))
        #expect(none?.message.contains("w is missing") == true)

        let second = ParameterContribution(replica: "b", sampleCount: 1, delta: base)
        #expect(code(.median, second)?.code == .tooFewContributions)
        #expect(code(.trimmedMean(fraction: 0.3), second)?.code == .tooFewContributions)
        #expect(code(.trimmedMean(fraction: 0.5), second)?.code == .invalidOption)
        let stale = ParameterContribution(
            replica: "b", sampleCount: 1, base: SHA256Digest(hashing: Data("other".utf8)), delta: base)
        #expect(code(.weightedMean, stale)?.code == .wrongBase)
    }

    /// Deltas that lie elsewhere give the same bits as deltas in memory.
    @Test(arguments: [
        ParameterAverage(), ParameterAverage(rule: .median),
        ParameterAverage(rule: .trimmedMean(fraction: 0.25), outerOptimiser: .diLoCo),
    ])
    func storedDeltasGiveTheSameBits(average: ParameterAverage) throws {
        let (base, contributions) = try Self.awkward(7)
        let stored = try contributions.map { contribution in
            let bytes = try contribution.delta.all().encoded()
            return ParameterContribution(
                replica: contribution.replica, sampleCount: contribution.sampleCount,
                delta: EncodedParameters(whole: { bytes }, part: { bytes.subdata(in: $0) }))
        }
        #expect(try average.apply(stored, to: base) == average.apply(contributions, to: base))
    }

    @Test func deltaAndAverageAreInverse() throws {
        let base = try Self.set([1, 2, 3])
        let trained = try Self.set([1.5, 0, 3])
        let delta = try trained.delta(from: base)
        #expect(delta == (try Self.set([0.5, -2, 0])))
        let outcome = try ParameterAverage().apply(
            [.init(replica: "a", sampleCount: 9, base: base.digest, delta: delta)], to: base)
        #expect(outcome.parameters == trained)
        #expect(throws: ParameterError.self) { try trained.delta(from: Self.set([1, 2])) }
        let still = try ParameterAverage().apply([.init(replica: "a", sampleCount: 1, delta: base.zeros)], to: base)
        #expect(still.warnings.count == 1)
    }

    @Test func millionsOfValuesInSeconds() throws {
        // A guard against an accidental copy per block; ops/bench measures it properly.
        let count = 2_000_000
        let base = try Self.set([Float](repeating: 1, count: count))
        let delta = try Self.set((0..<count).map { Float($0 % 9) - 4 })
        let clock = ContinuousClock()
        let elapsed = try clock.measure {
            let contributions = (0..<4).map { ParameterContribution(replica: "\($0)", sampleCount: 5, delta: delta) }
            let outcome = try ParameterAverage(outerOptimiser: .diLoCo).apply(contributions, to: base)
            #expect(outcome.momentum == delta)
        }
        #expect(elapsed < .seconds(10))
    }
}
