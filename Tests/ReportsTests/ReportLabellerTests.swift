import Foundation
import Reports
import Testing

@Suite struct ReportLabellerTests {
    private func label(_ lines: [Data], by labeller: ReportLabeller? = nil) throws -> (
        answers: [[String: Any]], summary: ReportLabeller.Summary, text: String
    ) {
        let directory = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: directory) }
        let input = directory.appendingPathComponent("in.jsonl")
        let output = directory.appendingPathComponent("out.jsonl")
        try Data(lines.joined(separator: Data([0x0A]))).write(to: input)
        _ = FileManager.default.createFile(atPath: output.path, contents: nil)
        let reader = try FileHandle(forReadingFrom: input)
        let writer = try FileHandle(forWritingTo: output)
        let summary = try (labeller ?? ReportLabeller(try RuleBasedExtractor())).label(reader, to: writer)
        try writer.close()
        let data = try Data(contentsOf: output)
        let answers = try data.split(separator: 0x0A).map {
            try #require(JSONSerialization.jsonObject(with: Data($0)) as? [String: Any])
        }
        return (answers, summary, String(decoding: data, as: UTF8.self))
    }

    @Test func oneLineInOneLineOutWhateverIsWrongWithIt() throws {
        let secret = "Zebrafish polyp 5 mm in the sigmoid"
        let (answers, summary, text) = try label([
            Data(#"{"id":"a","text":"5 mm polyp in the sigmoid, snared."}"#.utf8),
            Data("{\"id\":\"b\",\"text\":\"".utf8) + Data([0xFF, 0xFE]) + Data("\"}".utf8),
            Data("{\"id\":\"c\",\"text\":\"\(secret)\"".utf8),
            Data(#"{"id":"d"}"#.utf8),
            Data(#"{"id":"e","text":""}"#.utf8),
            Data("{\"study\":\"f\",\"text\":\"".utf8) + Data(repeating: 0x61, count: 5_300_000) + Data("\"}".utf8),
            Data(#"{"study":7,"text":"全结肠未见息肉。"}"#.utf8),
        ])
        #expect(answers.count == 7)
        #expect(summary.lines == 7 && summary.failed == 5 && summary.polyp == [.yes: 1, .no: 1])
        #expect(answers[0]["polyp"] as? String == "yes" && answers[0]["language"] as? String == "en")
        for answer in answers[1...5] { #expect(answer["error"] is String && answer["polyp"] == nil) }
        #expect((answers[1]["error"] as? String)?.contains("UTF-8") == true)
        #expect((answers[2]["error"] as? String)?.contains("line 3") == true)
        #expect(answers[3]["id"] as? String == "d")
        #expect(answers[5]["study"] as? String == "f")
        #expect(answers[6]["study"] as? String == "7" && answers[6]["polyp"] as? String == "no")
        #expect(!text.contains("Zebrafish"))
    }

    @Test func twoReadersAreComparedLineByLine() throws {
        let server = try ChatServer { number, _ in number < 2 ? .reply(200, ChatServer.yes) : .reply(400, "no") }
        defer { server.close() }
        let model = WaitingModelExtractor(
            try LanguageModelExtractor(.init(endpoint: try Endpoint(server.base, allowed: []), model: "test")))
        let (answers, summary, text) = try label(
            [
                Data(#"{"id":"same","text":"A 6 mm sessile polyp in the sigmoid, cold snare."}"#.utf8),
                Data(#"{"id":"other","text":"Patient: Harriet Quillfeather. No polyps were seen."}"#.utf8),
                Data(#"{"id":"unanswered","text":"A 3 mm polyp in the cecum, snared."}"#.utf8),
            ], by: ReportLabeller(try RuleBasedExtractor(), comparedWith: model))
        try #require(answers.count == 3)
        #expect(answers[0]["polyp"] as? String == "yes" && (answers[0]["disagreements"] as? [String])?.isEmpty == true)
        #expect(answers[1]["polyp"] as? String == "no")
        #expect((answers[1]["model"] as? [String: Any])?["polyp"] as? String == "yes")
        #expect(answers[1]["disagreements"] as? [String] == ["polyp", "count", "sites", "size", "morphology"])
        #expect(answers[2]["error"] is String && answers[2]["polyp"] == nil)
        #expect(summary.lines == 3 && summary.failed == 1 && summary.compared == 2 && summary.opposites == 1)
        #expect(summary.disagreements[.polyp] == 1 && summary.disagreements[.morphology] == 1)
        #expect(!text.contains("Quillfeather"))
        for body in server.bodies { #expect(!String(decoding: body, as: UTF8.self).contains("Quillfeather")) }
    }

    @Test func aLineBeyondMemoryIsSkippedAndTheWorkGoesOn() throws {
        let (answers, _, _) = try label([
            Data(repeating: 0x20, count: 7_000_000) + Data("x".utf8),
            Data(#"{"id":"z","text":"No polyps."}"#.utf8),
        ])
        #expect(answers.count == 2)
        #expect((answers[0]["error"] as? String)?.contains("bytes") == true)
        #expect(answers[1]["polyp"] as? String == "no")
    }

    @Test func blankLinesAndAMissingLastNewlineDoNotCount() throws {
        let (answers, summary, _) = try label([Data(), Data(#"{"id":"a","text":"No polyps."}"#.utf8), Data("  ".utf8)])
        #expect(answers.count == 1)
        #expect(summary.lines == 1)
    }
}

@Suite struct ReportScoringTests {
    @Test func countsWhatItSays() {
        var scoring = ReportScoring()
        let truth = Findings(polyp: .yes, count: 2, sites: [.cecum, .rectum], maxSizeMillimetres: 8, morphology: [.flat], confidence: 1)
        scoring.add(truth, truth: truth, language: .english)
        scoring.add(Findings(polyp: .no, count: 0, confidence: 1), truth: truth, language: .chinese)
        scoring.add(Findings(polyp: .uncertain, sites: [.cecum, .sigmoid], confidence: 1), truth: truth, language: .english)
        #expect(scoring.label.right == 1 && scoring.label.all == 3)
        #expect(scoring.opposites.right == 1)
        #expect(scoring.labelByLanguage[.english]?.value == 0.5)
        #expect(scoring.sites.hits == 3 && scoring.sites.wrong == 1 && scoring.sites.missed == 3)
        #expect(abs(scoring.sites.f1 - 0.6) < 1e-9)
        #expect(abs(scoring.count.value - 1.0 / 3) < 1e-9)
        #expect(abs(scoring.morphology.recall - 1.0 / 3) < 1e-9)
        #expect(scoring.lines.first?.contains("33.3 %") == true)
    }

    @Test func comparisonNamesTheFieldsThatDiffer() {
        let one = Findings(polyp: .yes, count: 1, sites: [.cecum], maxSizeMillimetres: 5, confidence: 0.9)
        var other = one
        #expect(ReportComparison(rules: one, model: other).disagreements.isEmpty)
        other.polyp = .no
        other.sites = []
        let comparison = ReportComparison(rules: one, model: other)
        #expect(comparison.disagreements == [.polyp, .sites])
        #expect(comparison.isOpposite)
    }
}
