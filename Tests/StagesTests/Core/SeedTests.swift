import Imaging
import Testing

import Stages

@Suite struct SeedTests {
    @Test func derivedSeedsDependOnEveryPartOfThePath() {
        let seed = Seed(7)
        #expect(seed.derived("a", "b") == seed.derived("a", "b"))
        #expect(seed.derived("a", "b") != seed.derived("ab"))
        #expect(seed.derived("a") != Seed(8).derived("a"))
    }

    @Test func generatorsOfOneSeedAgree() {
        var one = Seed(3).generator
        var two = Seed(3).generator
        var other = Seed(4).generator
        let numbers = (0..<5).map { _ in one.next() }
        #expect(numbers == (0..<5).map { _ in two.next() })
        #expect(numbers != (0..<5).map { _ in other.next() })
    }
}
