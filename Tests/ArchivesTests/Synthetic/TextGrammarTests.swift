import Archives
import Foundation
import Imaging
import Testing

@Suite struct TextGrammarTests {
    @Test func choicesNestAndSlotsAreFilled() {
        let grammar = TextGrammar(slots: ["site": "rectum"])
        var generator = SeededGenerator(seed: 1)
        var seen: Set<String> = []
        for _ in 0..<200 { seen.insert(grammar.expand("{a|b{1|2}|} in the <site>", using: &generator)) }
        #expect(seen == ["a in the rectum", "b1 in the rectum", "b2 in the rectum", " in the rectum"])
    }

    @Test func oddPatternsAreSurvived() {
        let grammar = TextGrammar(slots: [:])
        var generator = SeededGenerator(seed: 1)
        #expect(grammar.expand("no choice", using: &generator) == "no choice")
        #expect(grammar.expand("a|b", using: &generator) == "a|b")
        #expect(grammar.expand("<unknown>.", using: &generator) == ".")
        #expect(grammar.expand("x<open", using: &generator) == "x")
        #expect(grammar.expand("}", using: &generator) == "}")
        _ = grammar.expand("{never closed|or", using: &generator)
    }

    /// No report shows a slot, a brace or a bar that was forgotten.
    @Test func reportsHoldNoMarks() throws {
        let place = try TemporaryArchive()
        let root = place.root.appendingPathComponent("archive")
        let centre = SyntheticCentre(name: "c", prefix: "C", imageWidth: 96, imageHeight: 96, noise: 0)
        try SyntheticArchive.write(
            to: root,
            options: SyntheticOptions(
                seed: 8, centres: [centre], studiesPerCentre: 90, imagesPerStudy: 1...1,
                languages: ["en": 1, "zh": 1, "de": 1], uncertainReports: 0.2))
        let text = try String(contentsOf: root.appendingPathComponent("c/reports.jsonl"), encoding: .utf8)
        var said: Set<String> = []
        for line in text.split(separator: "\n") {
            let row = try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
            let report = try #require(row["text"] as? String)
            #expect(!report.contains { "{}|<>".contains($0) }, "\(report)")
            said.insert(report)
        }
        #expect(said.count == 90)
    }

    @Test func sinesArePortableAndRight() {
        for step in -400...400 {
            let angle = Float(step) * 0.05
            #expect(abs(PortableMath.sine(angle) - sin(angle)) < 1e-5)
            #expect(abs(PortableMath.cosine(angle) - cos(angle)) < 1e-5)
        }
    }
}
