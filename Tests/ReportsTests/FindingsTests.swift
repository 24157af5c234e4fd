import Foundation
import Reports
import Testing

@Suite struct FindingsTests {
    @Test func writesTheNamesOfReportsJSONLWithNulls() throws {
        let findings = Findings(polyp: .uncertain, sites: [.hepaticFlexure], morphology: [.lst], confidence: 0.5)
        let object = try #require(
            JSONSerialization.jsonObject(with: JSONEncoder().encode(findings)) as? [String: Any])
        #expect(object["polyp"] as? String == "uncertain")
        #expect(object["count"] is NSNull)
        #expect(object["max_size_mm"] is NSNull)
        #expect(object["sites"] as? [String] == ["hepatic flexure"])
        #expect(object["morphology"] as? [String] == ["LST"])
        #expect(object["evidence"] is NSNull)
    }

    @Test func readsWhatItWrites() throws {
        let findings = Findings(
            polyp: .yes, count: 2, sites: [.cecum, .rectum], maxSizeMillimetres: 7.5, morphology: [.sessile],
            confidence: 0.9, evidence: EvidenceSpan(offset: 3, length: 4))
        #expect(try JSONDecoder().decode(Findings.self, from: JSONEncoder().encode(findings)) == findings)
    }

    @Test func evidenceCountsUnicodeScalars() {
        let report = "所见：横结肠息肉。e\u{301}nd"
        #expect(EvidenceSpan(offset: 3, length: 5).text(in: report) == "横结肠息肉")
        #expect(EvidenceSpan(offset: 9, length: 4).text(in: report) == "e\u{301}nd")
        #expect(EvidenceSpan(offset: 9, length: 5).text(in: report) == nil)
        #expect(EvidenceSpan(offset: -1, length: 2).text(in: report) == nil)
    }
}
