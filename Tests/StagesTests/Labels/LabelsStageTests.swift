import Foundation
import Reports
import Synchronization
import Testing

import Stages

@Suite struct LabelsStageTests {
    private func run(_ archive: TinyArchive, settings: String) throws -> LocalRunner {
        let registry = StageRegistry([CatalogueStage(), LabelsStage { _ in PlainExtractor() }])
        let runner = LocalRunner(registry: registry, centres: archive.centres, seed: 1)
        try runner.run(
            Pipeline(json5: Data("{stages: [{stage: 'catalogue'}, {stage: 'labels', \(settings)}]}".utf8), registry: registry))
        return runner
    }

    private func addReports(_ archive: TinyArchive) throws {
        try archive.write(
            "east/reports.jsonl",
            Data(
                """
                {"study":"E100","patient":"p","text":"A 6 mm polyp.","label":"no"}
                {"study":"E101","patient":"q","text":"No polyps."}
                {"study":"E102","patient":"r","text":"Silence."}
                {"study":"E103","patient":"s","label":"yes"}
                """.utf8))
    }

    @Test func oneRowAStudyWithoutItsText() throws {
        let archive = try TinyArchive(studies: 4)
        try addReports(archive)
        let runner = try run(archive, settings: "studiesPerShard: 3")
        let labels = runner.store.reportLabels()
        #expect(labels.map { "\($0.study) \($0.polyp) \($0.source)" }.prefix(2) == ["E100 yes rules", "E101 no rules"])
        #expect(labels.count == 6)
        #expect(labels[0].findings.contains("\"offset\":0") && !labels[0].findings.contains("polyp."))
        let items = runner.store.items.filter { $0.reason != "no-report" || $0.message.contains("training") }
        #expect(items.map { "\($0.study) \($0.reason)" } == ["E102 unreadable-report", "E103 no-report"])
        #expect(
            runner.store.metrics(ofStep: "labels", round: 0)
                == ["yes": 3, "no": 3, "uncertain": 0, "withoutReport": 1, "failed": 1])
    }

    @Test(arguments: [("fill", "E100 yes rules", "E103 yes archive"), ("prefer", "E100 no archive", "E103 yes archive")])
    func labelsOfTheArchiveCountWhenAsked(mode: String, first: String, last: String) throws {
        let archive = try TinyArchive(studies: 4)
        try addReports(archive)
        let labels = try run(archive, settings: "archiveLabels: '\(mode)'").store.reportLabels().filter { $0.centre == "east" }
        #expect(labels.map { "\($0.study) \($0.polyp) \($0.source)" } == [first, "E101 no rules", last])
    }

    /// Reads as `PlainExtractor`, after so many failures.
    private final class Faltering: ReportExtractor {
        private let failures: Mutex<Int>
        private let code: ReportsError.Code

        init(_ failures: Int, _ code: ReportsError.Code) {
            self.failures = Mutex(failures)
            self.code = code
        }

        func findings(in report: String, language: Language?) throws -> Findings {
            let fails = failures.withLock { left in
                left -= 1
                return left >= 0
            }
            if fails { throw ReportsError(code, "no model listens") }
            return try PlainExtractor().findings(in: report, language: language)
        }
    }

    private func run(_ archive: TinyArchive, patience: Double, _ extractor: any ReportExtractor) throws -> LocalRunner {
        let stage = LabelsStage(outage: .init(pause: 0.01, patience: patience)) { _ in extractor }
        let registry = StageRegistry([CatalogueStage(), stage])
        let runner = LocalRunner(registry: registry, centres: archive.centres, seed: 1)
        try runner.run(Pipeline(json5: Data("{stages: [{stage: 'catalogue'}, {stage: 'labels'}]}".utf8), registry: registry))
        return runner
    }

    @Test(arguments: [ReportsError.Code.transport, .timedOut, .unavailable])
    func aModelThatIsAwayIsWaitedFor(_ code: ReportsError.Code) throws {
        let archive = try TinyArchive(studies: 4)
        try addReports(archive)
        let runner = try run(archive, patience: 60, Faltering(5, code))
        #expect(
            runner.store.metrics(ofStep: "labels", round: 0)
                == ["yes": 3, "no": 3, "uncertain": 0, "withoutReport": 1, "failed": 1])
    }

    @Test func aModelThatStaysAwayFailsTheShardAndNotTheReport() throws {
        let archive = try TinyArchive(studies: 4)
        #expect { try run(archive, patience: 0.05, Faltering(.max, .transport)) } throws: { ($0 as? StageError)?.code == .machine }
        #expect { try run(archive, patience: 60, Faltering(1, .httpStatus)) } throws: { ($0 as? StageError)?.code == .machine }
    }

    @Test func settingsAreChecked() {
        let stage = LabelsStage { _ in PlainExtractor() }
        for text in [
            "{\"extractor\":\"model\"}", "{\"extractor\":\"model\",\"endpoint\":\"ftp://x\"}", "{\"studiesPerShard\":0}", "{\"colour\":1}",
            "{\"archiveLabels\":\"all\"}", "{\"disagreement\":\"uncertain\"}",
            "{\"extractor\":\"model\",\"endpoint\":\"http://127.0.0.1:1/v1\",\"disagreement\":\"loudest\"}",
        ] {
            #expect(throws: StageError.self) { try stage.validate(settings: StageSettings(json: Data(text.utf8))) }
        }
    }
}
