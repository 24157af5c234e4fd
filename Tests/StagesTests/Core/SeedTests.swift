import Testing

import Stages

@Suite struct SeedTests {
    @Test func derivedSeedsDependOnEveryPartOfThePath() {
        let seed = Seed(7)
        #expect(seed.derived("a", "b") == seed.derived("a", "b"))
        #expect(seed.derived("a", "b") != seed.derived("ab"))
        #expect(seed.derived("a") != Seed(8).derived("a"))
    }

    /// The first outputs of SplitMix64 for seed 1234567, as published with the reference code.
    @Test func generatorIsSplitMix64() {
        var generator = SeededGenerator(seed: 1_234_567)
        #expect(generator.next() == 6_457_827_717_110_365_317)
        #expect(generator.next() == 3_203_168_211_198_807_973)
    }

    @Test func shuffleIsAPermutationAndRepeats() {
        var first = Array(0..<100)
        var second = first
        var one = Seed(3).generator
        var two = Seed(3).generator
        one.shuffle(&first)
        two.shuffle(&second)
        #expect(first == second && first != Array(0..<100) && first.sorted() == Array(0..<100))
        #expect((0..<1000).allSatisfy { _ in (0..<7).contains(one.below(7)) && (0..<1).contains(one.unit()) })
    }
}
