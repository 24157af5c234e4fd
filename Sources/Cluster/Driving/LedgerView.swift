import Digest
import Foundation
import Ledger
import Stages

/// What a stage sees of its job's results while it plans and reduces.
///
/// Where several steps wrote rows of one kind, the one that stands latest in the pipeline wins, key by key.
final class LedgerView: PlanningView {
    let seed: UInt64
    let centres: [String]
    private let job: JobID
    let step: StepOutline
    let sources: StepSources
    /// Up to the one that looks.
    private let steps: [String]
    private let access: LedgerAccess
    private var knownRounds: [String: [Round]] = [:]

    /// - Parameter earlier: names of the job's steps before `step`, in order.
    init(
        _ job: Job, centres: [String], step: StepOutline, sources: StepSources, earlier: [String], access: LedgerAccess
    ) {
        self.job = job.id
        seed = UInt64(bitPattern: job.seed)
        self.centres = centres
        (self.step, self.sources) = (step, sources)
        steps = earlier + [step.name]
        self.access = access
    }

    func studies() throws -> [Stages.ResultRow.StudyRow] {
        try access.persist { try $0.studies(job: job) }.map { Stages.ResultRow.StudyRow($0) }
    }

    func reportLabels() throws -> [Stages.ResultRow.ReportLabelRow] {
        try latest({ try $0.reportLabels(job: $1, stage: $2) }, key: { [$0.centre, $0.study] })
            .map { Stages.ResultRow.ReportLabelRow($0) }
    }

    func bagScores() throws -> [Stages.ResultRow.BagScoreRow] {
        try latest({ try $0.bagScores(job: $1, stage: $2) }, key: { [$0.centre, $0.study, $0.head] })
            .map { Stages.ResultRow.BagScoreRow($0) }
    }

    func imageScores() throws -> [Stages.ResultRow.ImageScoreRow] {
        try latest({ try $0.imageScores(job: $1, stage: $2) }, key: { [$0.centre, $0.study, $0.image, $0.head] })
            .map { Stages.ResultRow.ImageScoreRow($0) }
    }

    func boxes() throws -> [Stages.ResultRow.BoxRow] {
        try latest({ try $0.boxes(job: $1, stage: $2) }, key: { [$0.centre, $0.study, $0.image] })
            .map { Stages.ResultRow.BoxRow($0) }
    }

    func masks() throws -> [Stages.ResultRow.MaskRow] {
        try latest({ try $0.masks(job: $1, stage: $2) }, key: { [$0.centre, $0.study, $0.image, $0.kind] })
            .map { Stages.ResultRow.MaskRow($0) }
    }

    func bagScores(ofStep step: String, in part: StudyPart?) throws -> [Stages.ResultRow.BagScoreRow] {
        try access.persist { try $0.bagScores(job: job, stage: step, of: part.map(StudySelection.init)) }
            .map { Stages.ResultRow.BagScoreRow($0) }
    }

    func imageScores(ofStep step: String, in part: StudyPart?) throws -> [Stages.ResultRow.ImageScoreRow] {
        try access.persist { try $0.imageScores(job: job, stage: step, of: part.map(StudySelection.init)) }
            .map { Stages.ResultRow.ImageScoreRow($0) }
    }

    func boxes(ofStep step: String, in part: StudyPart?) throws -> [Stages.ResultRow.BoxRow] {
        try access.persist { try $0.boxes(job: job, stage: step, of: part.map(StudySelection.init)) }
            .map { Stages.ResultRow.BoxRow($0) }
    }

    func masks(ofStep step: String, in part: StudyPart?) throws -> [Stages.ResultRow.MaskRow] {
        try access.persist { try $0.masks(job: job, stage: step, of: part.map(StudySelection.init)) }
            .map { Stages.ResultRow.MaskRow($0) }
    }

    func features(ofStep step: String) throws -> [Stages.ResultRow.FeatureRow] {
        try access.persist { try $0.features(job: job, stage: step) }.map { Stages.ResultRow.FeatureRow($0) }
    }

    func features(ofRecipe recipe: String) throws -> [Stages.ResultRow.FeatureRow] {
        let centres = centres
        return try access.persist { try $0.features(recipe: recipe, centres: centres) }.map { Stages.ResultRow.FeatureRow($0) }
    }

    private func latest<Row>(
        _ read: (Ledger, JobID, String) throws -> [Row], key: (Row) -> [String]
    ) throws -> [Row] {
        var byKey: [[String]: Row] = [:]
        for step in steps {
            for row in try access.persist({ try read($0, job, step) }) { byKey[key(row)] = row }
        }
        return byKey.sorted { $0.key.lexicographicallyPrecedes($1.key) }.map(\.value)
    }

    // MARK: Rounds

    private func finishedRounds(_ step: String) throws -> [Round] {
        if let known = knownRounds[step] { return known }
        let rounds = try access.persist { try $0.rounds(job: job, stage: step) }
            .filter { $0.finishedAt != nil }.sorted { $0.round < $1.round }
        knownRounds[step] = rounds
        return rounds
    }

    private func round(_ round: Int, of step: String) throws -> Round? {
        try finishedRounds(step).first { Int($0.round) == round }
    }

    func model(ofStep step: String, startingRound round: Int?) throws -> SHA256Digest? {
        guard let round else { return try finishedRounds(step).last { $0.result != nil }?.result }
        return try self.round(round - 1, of: step)?.result
    }

    func modelUsed(byStep step: String) throws -> SHA256Digest? {
        try access.persist { try $0.rounds(job: job, stage: step) }.first { $0.round == 0 }?.base
    }

    func state(ofStep step: String, startingRound round: Int) throws -> SHA256Digest? {
        try self.round(round - 1, of: step)?.state
    }

    func metrics(ofStep step: String, round: Int) throws -> [String: Double] {
        guard let metrics = try self.round(round, of: step)?.metrics else { return [:] }
        return try JSONDecoder().decode([String: Double].self, from: metrics)
    }

    // MARK: Contents

    func content(_ digest: SHA256Digest) throws -> Data { try access.persist { try $0.blob(digest) } }
    func content(_ digest: SHA256Digest, bytes: Range<Int>) throws -> Data {
        try access.persist { try $0.blobPart(digest, bytes: bytes) }
    }
    func store(_ content: Data) throws -> SHA256Digest { try access.persist { try $0.putBlob(content) } }
}

extension StudySelection {
    fileprivate init(_ part: StudyPart) { self.init(centre: part.centre, studies: part.studies) }
}
