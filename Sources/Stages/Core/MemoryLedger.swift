import Digest
import Foundation
import Synchronization

/// The ledger of `LocalRunner`: results, rounds and content in memory.
public final class MemoryLedger: PlanningView, Sendable {
    public let seed: UInt64
    public let centres: [String]

    private struct State {
        var rows: [(stage: String, row: ResultRow)] = []
        var content: [SHA256Digest: Data] = [:]
        var pictures: [FramePicture] = []
        var rounds: [String: [Int: Round]] = [:]
        var modelsUsed: [String: SHA256Digest] = [:]
    }

    private struct Round {
        var model: SHA256Digest?
        var state: SHA256Digest?
        var metrics: [String: Double]
    }

    private let state = Mutex(State())

    public init(seed: UInt64, centres: [String]) {
        self.seed = seed
        self.centres = centres.sorted()
    }

    /// All rows so far, in the order in which they came.
    public var rows: [ResultRow] { state.withLock { $0.rows.map(\.row) } }
    public var evaluations: [ResultRow.EvaluationRow] {
        rows.compactMap { if case .evaluation(let row) = $0 { row } else { nil } }
    }
    public var items: [ResultRow.ItemRow] { rows.compactMap { if case .item(let row) = $0 { row } else { nil } } }

    public func add(_ rows: [ResultRow], stage: String = "") {
        state.withLock { $0.rows += rows.map { (stage, $0) } }
    }

    /// Pictures of frames that the stages made, by kind, centre, study and image.
    public var pictures: [FramePicture] {
        state.withLock(\.pictures).sorted {
            [$0.kind, $0.centre, $0.study, $0.image].lexicographicallyPrecedes([$1.kind, $1.centre, $1.study, $1.image])
        }
    }

    func keep(_ pictures: [FramePicture], stage: String) {
        add(pictures.map { .picture(.init($0)) }, stage: stage)
        state.withLock { $0.pictures += pictures }
    }

    func begin(stage: String, shards: [ShardPlan]) {
        state.withLock { $0.modelsUsed[stage] = shards.lazy.compactMap(\.model).first }
    }

    func finish(stage: String, round: Int, outcome: RoundOutcome) throws {
        let model = try outcome.model.map { try store($0) }
        let reduction = try outcome.state.map { try store($0) }
        state.withLock { state in
            state.rows += outcome.rows.map { (stage, $0) }
            state.rounds[stage, default: [:]][round] = Round(model: model, state: reduction, metrics: outcome.metrics)
        }
    }

    public func studies() -> [ResultRow.StudyRow] {
        sorted({ if case .study(let row) = $0 { row } else { nil } }, by: { [$0.centre, $0.study] })
    }

    public func reportLabels() -> [ResultRow.ReportLabelRow] {
        sorted({ if case .reportLabel(let row) = $0 { row } else { nil } }, by: { [$0.centre, $0.study] })
    }

    public func bagScores() -> [ResultRow.BagScoreRow] {
        sorted({ if case .bagScore(let row) = $0 { row } else { nil } }, by: { [$0.centre, $0.study, $0.head] })
    }

    public func imageScores() -> [ResultRow.ImageScoreRow] {
        sorted(
            { if case .imageScore(let row) = $0 { row } else { nil } }, by: { [$0.centre, $0.study, $0.image, $0.head] })
    }

    public func boxes() -> [ResultRow.BoxRow] {
        sorted({ if case .box(let row) = $0 { row } else { nil } }, by: { [$0.centre, $0.study, $0.image] })
    }

    public func masks() -> [ResultRow.MaskRow] {
        sorted({ if case .mask(let row) = $0 { row } else { nil } }, by: { [$0.centre, $0.study, $0.image, $0.kind] })
    }

    public func boxes(ofStage stage: String) -> [ResultRow.BoxRow] {
        state.withLock { $0.rows.filter { $0.stage == stage } }
            .compactMap { if case .box(let row) = $0.row { row } else { nil } }
            .sorted { [$0.centre, $0.study, $0.image].lexicographicallyPrecedes([$1.centre, $1.study, $1.image]) }
    }

    public func masks(ofStage stage: String) -> [ResultRow.MaskRow] {
        state.withLock { $0.rows.filter { $0.stage == stage } }
            .compactMap { if case .mask(let row) = $0.row { row } else { nil } }
            .sorted {
                [$0.centre, $0.study, $0.image, $0.kind].lexicographicallyPrecedes([$1.centre, $1.study, $1.image, $1.kind])
            }
    }

    private func sorted<Row>(_ pick: (ResultRow) -> Row?, by key: (Row) -> [String]) -> [Row] {
        rows.compactMap(pick).map { ($0, key($0)) }
            .sorted { $0.1.lexicographicallyPrecedes($1.1) }.map(\.0)
    }

    public func model(ofStage stage: String, startingRound round: Int?) -> SHA256Digest? {
        state.withLock { state in
            let rounds = state.rounds[stage] ?? [:]
            if let round { return rounds[round - 1]?.model }
            return rounds.filter { $0.value.model != nil }.max { $0.key < $1.key }?.value.model
        }
    }

    public func modelUsed(byStage stage: String) -> SHA256Digest? { state.withLock { $0.modelsUsed[stage] } }

    public func state(ofStage stage: String, startingRound round: Int) -> SHA256Digest? {
        state.withLock { $0.rounds[stage]?[round - 1]?.state }
    }

    public func metrics(ofStage stage: String, round: Int) -> [String: Double] {
        state.withLock { $0.rounds[stage]?[round]?.metrics ?? [:] }
    }

    public func content(_ digest: SHA256Digest) throws -> Data {
        guard let data = state.withLock({ $0.content[digest] }) else {
            throw StageError(.missingInput, "there is no content \(digest.hex.prefix(12))")
        }
        return data
    }

    public func store(_ content: Data) throws -> SHA256Digest {
        let digest = SHA256Digest(hashing: content)
        state.withLock { $0.content[digest] = content }
        return digest
    }
}
