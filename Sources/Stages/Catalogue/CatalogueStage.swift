import Archives
import Foundation

/// Lists each centre's studies and images, and everything that is wrong with them, before any other stage begins.
///
/// Settings: `imageCheck`, `decode` (default) or `header`.
public struct CatalogueStage: Stage {
    public let name = "catalogue"
    public let products = [Product.studies]

    public init() {}

    struct Settings: Codable {
        var imageCheck: ImageCheckDepth?
    }

    struct Input: Codable {
        var centre: String
        var imageCheck: ImageCheckDepth
    }

    struct Record: Codable {
        var studies = 0
        var images = 0
        var failed = 0
        var fingerprint: CentreFingerprint?
    }

    public func validate(settings: StageSettings) throws {
        try settings.requireFields(["imageCheck"], stage: name)
        _ = try settings.decoded(as: Settings.self, stage: name)
    }

    public func plan(round: Int, settings: StageSettings, view: any PlanningView) throws -> [ShardPlan] {
        let depth = try settings.decoded(as: Settings.self, stage: name).imageCheck ?? .decode
        return try view.centres.map { centre in
            ShardPlan(
                key: centre, centre: centre,
                input: try StageCoding.encode(Input(centre: centre, imageCheck: depth)))
        }
    }

    public func map(_ shard: ShardInput, context: any MapContext) throws -> ShardOutput {
        let input = try StageCoding.decode(Input.self, from: shard.input, of: "the catalogue shard \(shard.key)")
        let index = try context.index(ofCentre: input.centre)
        let key = try context.centreKey(input.centre)
        let check = StudyCheck(index: index, files: ImageFileCheck(depth: input.imageCheck))
        var rows = index.issues.map(Self.item)
        var record = Record()
        var found: [(study: String, images: [String])] = []
        var housekeeping = 0
        for start in stride(from: 0, to: index.records.count, by: StudyCheck.studiesAtOnce) {
            try context.checkCancellation()
            let batch = index.records[start..<min(start + StudyCheck.studiesAtOnce, index.records.count)]
            let bags = check.run(batch.filter(\.isProcessed))
            rows += batch.filter { !$0.isProcessed }.map { study in
                .item(
                    .init(
                        centre: input.centre, study: study.study, image: nil, status: "skipped", reason: "not-processed",
                        message: "the manifest says process = 0"))
            }
            for (study, bag) in zip(batch.filter(\.isProcessed), bags) {
                rows += bag.issues.map(Self.item)
                let pathology = study.pathology.flatMap { PathologyClass($0) }
                if study.pathology != nil, pathology == nil { rows.append(Self.unknownPathology(of: study, index.archive.name)) }
                rows.append(
                    .study(
                        .init(
                            centre: input.centre, study: study.study,
                            patientKey: key.patientKey(study.patient, centre: input.centre), split: study.split.rawValue,
                            language: study.language, images: bag.images, hasReport: study.text != nil,
                            pathology: pathology?.rawValue)))
                found.append((study.study, bag.images))
                record.studies += 1
                record.images += bag.images.count
                housekeeping += bag.housekeeping
            }
            context.progress(done: batch.endIndex, of: index.records.count)
        }
        let others = check.foldersWithoutReport() + check.ignored(housekeeping)
        rows = ResultRow.oneForEachItem(rows + others.map(Self.item))
        record.fingerprint = CentreFingerprint(of: found, in: index)
        record.failed = rows.count { if case .item(let row) = $0 { row.status == "failed" } else { false } }
        return ShardOutput(rows: rows, record: try StageCoding.encode(record))
    }

    public func reduce(
        round: Int, records: [ShardRecord], settings: StageSettings, view: any PlanningView
    ) throws -> RoundOutcome {
        let parts = try records.decoded(as: Record.self)
        var fingerprints: [String: Data] = [:]
        for shard in records {
            guard let centre = shard.centre, let print = try shard.decoded(as: Record.self)?.fingerprint else { continue }
            fingerprints[centre] = try StageCoding.encode(print)
        }
        let metrics = [
            "studies": Double(parts.reduce(0) { $0 + $1.studies }),
            "images": Double(parts.reduce(0) { $0 + $1.images }),
            "failedItems": Double(parts.reduce(0) { $0 + $1.failed }),
        ]
        return RoundOutcome(metrics: metrics, fingerprints: fingerprints)
    }

    /// Not what it says: a centre's own words stay in the centre.
    private static func unknownPathology(of study: StudyRecord, _ centre: String) -> ResultRow {
        .item(
            .init(
                centre: centre, study: study.study, image: nil, status: "skipped", reason: "unknown-pathology",
                message:
                    "line \(study.line): `pathology` is neither \(PathologyClass.allCases.map(\.rawValue).joined(separator: " nor ")), nor "
                    + "a finding that is known as one of them: optical biopsy does without this study"))
    }

    /// An issue as a row: errors failed, bags without images are empty, the rest is said and goes on.
    private static func item(_ issue: ArchiveIssue) -> ResultRow {
        let status =
            ["empty-bag", "no-folder", "mangled-number"].contains(issue.code)
            ? "empty" : issue.severity == .error ? "failed" : "skipped"
        let line = issue.row.map { "\(issue.file ?? "table"), line \($0)" }
        // A line that names no study is an item of its own.
        let item = line == nil ? issue.file : issue.study == nil ? line : nil
        return .item(
            .init(
                centre: issue.centre, study: issue.study ?? "", image: item, status: status, reason: issue.code,
                message: (line.map { $0 + ": " } ?? "") + issue.message))
    }
}
