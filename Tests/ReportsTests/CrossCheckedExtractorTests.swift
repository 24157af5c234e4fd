import Reports
import Testing

@Suite struct CrossCheckedExtractorTests {
    private struct Reader: ReportExtractor {
        var found: Findings
        func findings(in report: String, language: Language?) throws -> Findings { found }
    }

    @Test func setsAsideWhatIsReadDifferently() throws {
        let yes = Reader(found: Findings(polyp: .yes, count: 2, sites: [.sigmoid], maxSizeMillimetres: 5, confidence: 0.9))
        let no = Reader(found: Findings(polyp: .no, count: 0, confidence: 0.95))
        let found = try CrossCheckedExtractor(model: yes, rules: no).findings(in: "a report", language: nil)
        #expect(found.polyp == .uncertain)
        #expect(found.count == nil)
        #expect(found.confidence <= 0.5)
    }

    @Test func keepsTheModelsFindingsWhereBothAgree() throws {
        let model = Findings(polyp: .yes, count: 2, sites: [.sigmoid], maxSizeMillimetres: 5, confidence: 0.9)
        let rules = Findings(polyp: .yes, count: nil, sites: [.rectum], confidence: 0.8)
        let found = try CrossCheckedExtractor(model: Reader(found: model), rules: Reader(found: rules)).findings(
            in: "a report", language: nil)
        #expect(found == model)
    }
}
