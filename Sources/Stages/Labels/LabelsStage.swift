import Archives
import Foundation
import Reports

/// Reads each study's report and says whether the examination found a polyp.
///
/// A row a study: label, confidence, findings, and the evidence as offsets only: no report text leaves the worker.
/// Settings: see `LabelsSettings`.
public struct LabelsStage: Stage {
    public let name = "labels"
    private let extractors: @Sendable (LabelsSettings) throws -> any ReportExtractor
    private let outage: Outage

    /// How a language model's server that is away is waited for.
    public struct Outage: Sendable {
        /// Seconds between two tries.
        public var pause: Double
        /// Seconds after which the shard goes back.
        public var patience: Double

        public init(pause: Double = 5, patience: Double = 3600) {
            self.pause = pause
            self.patience = patience
        }
    }

    /// - Parameters:
    ///   - outage: how long a server that is away is waited for.
    ///   - extractors: makes the extractor that the settings ask for.
    public init(outage: Outage = Outage(), extractors: @escaping @Sendable (LabelsSettings) throws -> any ReportExtractor) {
        self.outage = outage
        self.extractors = extractors
    }

    struct Input: Codable {
        var centre: String
        var studies: [String]
        var settings: LabelsSettings
    }

    struct Record: Codable {
        var yes = 0
        var no = 0
        var uncertain = 0
        var withoutReport = 0
        var failed = 0
    }

    public func validate(settings: StageSettings) throws {
        try settings.requireFields(LabelsSettings.fields, stage: name)
        try ReportExtractors.check(try settings.decoded(as: LabelsSettings.self, stage: name))
    }

    public let products = [Product.labels]
    public func needs(settings: StageSettings) throws -> [StageNeed] { [.studies] }

    public func plan(round: Int, settings: StageSettings, view: any PlanningView) throws -> [ShardPlan] {
        let decoded = try settings.decoded(as: LabelsSettings.self, stage: name)
        return try StudyChunks.plan(try view.studies(), perShard: decoded.studiesPerShard) { centre, studies in
            ShardPlan(
                key: "", centre: centre,
                input: try StageCoding.encode(Input(centre: centre, studies: studies.map(\.study), settings: decoded)))
        }
    }

    public func map(_ shard: ShardInput, context: any MapContext) throws -> ShardOutput {
        let input = try StageCoding.decode(Input.self, from: shard.input, of: "the labels shard \(shard.key)")
        let index = try context.index(ofCentre: input.centre)
        let key = String(decoding: try StageCoding.encode(input.settings), as: UTF8.self)
        let extractor = try context.shared("report-extractor/\(key)") { try extractors(input.settings) }
        var rows: [ResultRow] = []
        var record = Record()
        for (position, study) in input.studies.enumerated() {
            try context.checkCancellation()
            let row = try label(study, in: index, input: input, extractor: extractor, record: &record, context: context)
            rows.append(row)
            context.progress(done: position + 1, of: input.studies.count)
        }
        return ShardOutput(rows: rows, record: try StageCoding.encode(record))
    }

    private func label(
        _ study: String, in index: CentreIndex, input: Input, extractor: any ReportExtractor, record: inout Record,
        context: any MapContext
    ) throws -> ResultRow {
        func item(_ status: String, _ reason: String, _ message: String) -> ResultRow {
            .item(
                .init(
                    centre: input.centre, study: study, image: nil, status: status, reason: reason, message: message))
        }
        guard let known = index[study] else {
            record.failed += 1
            return item("failed", "no-study", "the study is no longer in the centre's table")
        }
        let archive = known.label.flatMap(PolypStatus.init(rawValue:))
        if let archive, input.settings.archiveLabels == .prefer || known.text == nil && input.settings.archiveLabels == .fill {
            record.count(archive)
            return try row(study, input.centre, Findings(polyp: archive, confidence: 1), source: "archive")
        }
        guard let text = known.text else {
            record.withoutReport += 1
            return item("skipped", "no-report", "the study has no report that can be read: it takes no part in training")
        }
        do {
            let language = known.language.flatMap { Language(rawValue: String($0.lowercased().prefix(2))) }
            let findings = try waiting(context) { try extractor.findings(in: text, language: language) }
            record.count(findings.polyp)
            return try row(study, input.centre, findings, source: input.settings.extractor.rawValue)
        } catch let error as ReportsError {
            record.failed += 1
            return item("failed", "unreadable-report", error.description)
        }
    }

    /// What `read` finds, once the model's server is there: that it is away is nothing about the report.
    private func waiting(_ context: any MapContext, _ read: () throws -> Findings) throws -> Findings {
        let end = ContinuousClock.now + .seconds(outage.patience)
        while true {
            do {
                return try read()
            } catch let error as ReportsError where ReportsError.Code.ofOutage.contains(error.code) {
                guard .now < end else { throw StageError(.machine, "stage labels: \(error.message) (\(error.code))") }
            } catch let error as ReportsError where ReportsError.Code.ofService.contains(error.code) {
                throw StageError(.machine, "stage labels: \(error.message) (\(error.code))")
            }
            try context.checkCancellation()
            Thread.sleep(forTimeInterval: outage.pause)
            try context.checkCancellation()
        }
    }

    private func row(_ study: String, _ centre: String, _ findings: Findings, source: String) throws -> ResultRow {
        .reportLabel(
            .init(
                centre: centre, study: study, polyp: findings.polyp.rawValue, confidence: findings.confidence,
                findings: String(decoding: try StageCoding.encode(findings), as: UTF8.self), source: source))
    }

    public func reduce(
        round: Int, records: [ShardRecord], settings: StageSettings, view: any PlanningView
    ) throws -> RoundOutcome {
        let parts = try records.decoded(as: Record.self)
        func sum(_ field: KeyPath<Record, Int>) -> Double { Double(parts.reduce(0) { $0 + $1[keyPath: field] }) }
        return RoundOutcome(metrics: [
            "yes": sum(\.yes), "no": sum(\.no), "uncertain": sum(\.uncertain), "withoutReport": sum(\.withoutReport),
            "failed": sum(\.failed),
        ])
    }
}

extension LabelsStage.Record {
    mutating func count(_ status: PolypStatus) {
        switch status {
        case .yes: yes += 1
        case .no: no += 1
        case .uncertain: uncertain += 1
        }
    }
}
