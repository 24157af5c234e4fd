import Archives
import Digest
import Evaluation
import Foundation
import Imaging

/// Measures the job's results against truth, centre by centre and together: labels, bags, images, boxes, masks.
///
/// Rows: `evaluation`, with 95 % confidence intervals where there are any; of subject `truth`, what there is to say about a
/// centre's truth itself (`TruthSummary`). `item`: whatever in a centre's truth cannot be used, each with its study and
/// image; it never fails the shard. Truth is read here, and by a stage whose settings say `truth`.
/// Settings: `EvaluateSettings`.
public struct EvaluateStage: Stage {
    public let name = "evaluate"

    public init() {}

    struct Record: Codable {
        var hasTruth: Bool
        var problems = 0
    }

    public func validate(settings: StageSettings) throws { _ = try EvaluateSettings(settings, stage: name) }

    public func needs(settings: StageSettings) throws -> [StageNeed] {
        [.studies, StageNeed(anyOf: [.scores, .boxes, .masks], key: Self.predictions)]
    }

    /// By which `from` names the steps to be measured; by default all.
    static let predictions = "predictions"

    public func plan(round: Int, settings: StageSettings, view: any PlanningView) throws -> [ShardPlan] {
        let settings = try EvaluateSettings(settings, stage: name)
        let subjects = try EvaluationSubject.all(view)
        let labels = Dictionary(grouping: try view.reportLabels(), by: \.centre).mapValues { rows in
            Dictionary(rows.map { ($0.study, $0.polyp) }, uniquingKeysWith: { _, last in last })
        }
        let studies = Dictionary(grouping: try view.studies().filter { settings.splits.contains($0.split) }, by: \.centre)
            .mapValues { rows in Dictionary(rows.map { ($0.study, $0.split) }, uniquingKeysWith: { _, last in last }) }
        return try view.centres.flatMap { centre in
            let splits = studies[centre] ?? [:]
            let parts = StudyChunks.parts(splits.keys.sorted(), of: settings.studiesPerShard)
            // A centre without a study of these splits is looked at all the same, and says so.
            return try (parts.isEmpty ? [(StudyChunks.padded(0), [])] : parts).enumerated().map { order, part in
                // One part at a time: a centre of a million images is never in memory as a whole.
                let results = try EvaluationInput.Results(
                    StudyPart(centre: centre, studies: part.1), splits: splits, labels: labels.isEmpty ? nil : labels[centre] ?? [:],
                    subjects: subjects, view: view)
                let blob = try view.store(try StageCoding.encode(results))
                let input = EvaluationInput(
                    centre: centre, isFirst: order == 0, results: blob, subjects: subjects, settings: settings)
                return ShardPlan(
                    key: "\(centre)/\(part.0)", centre: centre, input: try StageCoding.encode(input),
                    blobs: [blob] + results.masks.flatMap { [$0.foreground, $0.map] })
            }
        }
    }

    public func map(_ shard: ShardInput, context: any MapContext) throws -> ShardOutput {
        let input = try StageCoding.decode(
            EvaluationInput.self, from: shard.input, of: "the evaluate shard \(shard.key)")
        let results = try StageCoding.decode(
            EvaluationInput.Results.self, from: try context.content(input.results), of: "the results of \(shard.key)")
        let centre = CentreArchive(name: input.centre, directory: try context.archiveFolder(ofCentre: input.centre))
        guard TruthReader.exists(in: centre) else {
            return ShardOutput(record: try StageCoding.encode(Record(hasTruth: false)))
        }
        // Without its tables the archive has no images either, and other stages have said so.
        let index = try? context.index(ofCentre: input.centre)
        var comparison = TruthComparison(
            truth: try context.truth(ofCentre: input.centre), subjects: input.subjects, settings: input.settings,
            isFirst: input.isFirst
        ) { study, image in
            guard let url = try? index?.imageURL(study: study, image: image), let probe = try? ImageProbe(contentsOf: url) else {
                return nil
            }
            return (probe.width, probe.height)
        }
        let masks = Dictionary(grouping: results.masks, by: \.study)
        // A picture is one stage's view of one image.
        func key(_ mask: EvaluationInput.Mask) -> String { mask.subject + "/" + mask.image }
        for (position, study) in results.studies.enumerated() {
            try context.checkCancellation()
            let own = Dictionary(
                (masks[study.study] ?? []).map { (key($0), $0) }, uniquingKeysWith: { first, _ in first })
            try comparison.add(study, masks: own, context: context)
            context.progress(done: position + 1, of: results.studies.count)
        }
        let rows = ResultRow.oneForEachItem(comparison.items.map(ResultRow.item))
        return ShardOutput(
            rows: rows, record: try StageCoding.encode(Record(hasTruth: true, problems: rows.count)),
            blobs: [try StageCoding.encode(comparison.findings)])
    }

    public func reduce(
        round: Int, records: [ShardRecord], settings: StageSettings, view: any PlanningView
    ) throws -> RoundOutcome {
        let settings = try EvaluateSettings(settings, stage: name)
        var byCentre: [String: EvaluationFindings] = [:]
        var shards: [String: (done: Int, all: Int)] = [:]
        for shard in records.sorted(by: { $0.key < $1.key }) {
            guard let centre = shard.centre else { continue }
            shards[centre, default: (0, 0)].all += 1
            if shard.record != nil { shards[centre, default: (0, 0)].done += 1 }
            guard let blob = shard.blobs.first else { continue }
            byCentre[centre, default: EvaluationFindings()].add(
                try StageCoding.decode(
                    EvaluationFindings.self, from: try view.content(blob), of: "the findings of \(shard.key)"))
        }
        let findings = byCentre.sorted { $0.key < $1.key }.map { (centre: $0.key, findings: $0.value) }
        var models: [String: SHA256Digest] = [:]
        let subjects = try EvaluationSubject.all(view)
        for subject in subjects { models[subject.name] = try view.modelUsed(byStep: subject.name) }
        let table = EvaluationTable(findings: findings, subjects: subjects, settings: settings, models: models)
        do {
            let truth = TruthSummary(
                findings: findings, centres: view.centres, withoutTruth: try Self.withoutTruth(records),
                shards: shards, splits: settings.splits)
            let rows = try table.rows() + truth.rows()
            return RoundOutcome(rows: rows.map(ResultRow.evaluation), metrics: EvaluationTable.headline(rows))
        } catch let error as EvaluationError {
            throw StageError(.numeric, error.message)
        }
    }

    private static func withoutTruth(_ records: [ShardRecord]) throws -> Set<String> {
        var centres: Set<String> = []
        for shard in records {
            guard let centre = shard.centre, let data = shard.record else { continue }
            let record = try StageCoding.decode(Record.self, from: data, of: "the record of \(shard.key)")
            if !record.hasTruth { centres.insert(centre) }
        }
        return centres
    }
}
