import Testing

import Archives

@Suite struct SplitTests {
    @Test func sharesAreSeventyTenTwentyAndStable() {
        let patients = (0..<4000).map { "patient \($0)" }
        let splits = patients.map { Split(patient: $0, centre: "c") }
        let counts = Dictionary(grouping: splits, by: { $0 }).mapValues(\.count)
        #expect(abs(Double(counts[.train] ?? 0) / 4000 - 0.7) < 0.03)
        #expect(abs(Double(counts[.val] ?? 0) / 4000 - 0.1) < 0.03)
        #expect(splits == patients.map { Split(patient: $0, centre: "c") })
        #expect(splits != patients.map { Split(patient: $0, centre: "d") })
    }

    @Test func usualWordsAreKnown() {
        #expect(Split(named: "Training") == .train)
        #expect(Split(named: "validation") == .val)
        #expect(Split(named: "holiday") == nil)
    }
}
