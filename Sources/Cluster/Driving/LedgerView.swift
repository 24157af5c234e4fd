import Digest
import Foundation
import Ledger
import Stages

/// What a stage sees of its job's results while it plans and reduces.
///
/// Where several stages wrote rows of one kind, the one that stands latest in the pipeline wins, key by key.
final class LedgerView: PlanningView {
    let seed: UInt64
    let centres: [String]
    private let job: JobID
    private let stages: [String]
    private let access: LedgerAccess
    private var knownRounds: [String: [Round]] = [:]

    /// - Parameter stages: the job's stages in order, up to the one that looks.
    init(_ job: Job, centres: [String], upTo stage: String, access: LedgerAccess) {
        self.job = job.id
        seed = UInt64(bitPattern: job.seed)
        self.centres = centres
        let names = job.stages.map(\.name)
        stages = Array(names.prefix((names.firstIndex(of: stage) ?? names.count - 1) + 1))
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

    func boxes(ofStage stage: String) throws -> [Stages.ResultRow.BoxRow] {
        try access.persist { try $0.boxes(job: job, stage: stage) }.map { Stages.ResultRow.BoxRow($0) }
    }

    func masks(ofStage stage: String) throws -> [Stages.ResultRow.MaskRow] {
        try access.persist { try $0.masks(job: job, stage: stage) }.map { Stages.ResultRow.MaskRow($0) }
    }

    private func latest<Row>(
        _ read: (Ledger, JobID, String) throws -> [Row], key: (Row) -> [String]
    ) throws -> [Row] {
        var byKey: [[String]: Row] = [:]
        for stage in stages {
            for row in try access.persist({ try read($0, job, stage) }) { byKey[key(row)] = row }
        }
        return byKey.sorted { $0.key.lexicographicallyPrecedes($1.key) }.map(\.value)
    }

    // MARK: Rounds

    private func finishedRounds(_ stage: String) throws -> [Round] {
        if let known = knownRounds[stage] { return known }
        let rounds = try access.persist { try $0.rounds(job: job, stage: stage) }
            .filter { $0.finishedAt != nil }.sorted { $0.round < $1.round }
        knownRounds[stage] = rounds
        return rounds
    }

    private func round(_ round: Int, of stage: String) throws -> Round? {
        try finishedRounds(stage).first { Int($0.round) == round }
    }

    func model(ofStage stage: String, startingRound round: Int?) throws -> SHA256Digest? {
        guard let round else { return try finishedRounds(stage).last { $0.result != nil }?.result }
        return try self.round(round - 1, of: stage)?.result
    }

    func modelUsed(byStage stage: String) throws -> SHA256Digest? {
        try access.persist { try $0.rounds(job: job, stage: stage) }.first { $0.round == 0 }?.base
    }

    func state(ofStage stage: String, startingRound round: Int) throws -> SHA256Digest? {
        try self.round(round - 1, of: stage)?.state
    }

    func metrics(ofStage stage: String, round: Int) throws -> [String: Double] {
        guard let metrics = try self.round(round, of: stage)?.metrics else { return [:] }
        return try JSONDecoder().decode([String: Double].self, from: metrics)
    }

    // MARK: Contents

    func content(_ digest: SHA256Digest) throws -> Data { try access.persist { try $0.blob(digest) } }
    func store(_ content: Data) throws -> SHA256Digest { try access.persist { try $0.putBlob(content) } }
}
