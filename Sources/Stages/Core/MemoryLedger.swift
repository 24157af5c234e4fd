import Digest
import Foundation
import Synchronization

/// The ledger of `LocalRunner`: results, rounds and content in memory.
public final class MemoryLedger: PlanningView, Sendable {
    public let seed: UInt64
    public let centres: [String]

    private struct State {
        var rows: [(step: String, row: ResultRow)] = []
        var content: [SHA256Digest: Data] = [:]
        var pictures: [FramePicture] = []
        var rounds: [String: [Int: Round]] = [:]
        var modelsUsed: [String: SHA256Digest] = [:]
        /// Of steps that ran, and of the one that runs, last.
        var steps: [StepOutline] = []
        var sources: StepSources?
        var skipped: [String: String] = [:]
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

    public func add(_ rows: [ResultRow], step: String = "") {
        state.withLock { $0.rows += rows.map { (step, $0) } }
    }

    /// Pictures of frames that the stages made, by kind, centre, study and image.
    public var pictures: [FramePicture] {
        state.withLock(\.pictures).sorted {
            [$0.kind, $0.centre, $0.study, $0.image].lexicographicallyPrecedes([$1.kind, $1.centre, $1.study, $1.image])
        }
    }

    func keep(_ pictures: [FramePicture], step: String) {
        add(pictures.map { .picture(.init($0)) }, step: step)
        state.withLock { $0.pictures += pictures }
    }

    /// The step that runs from now on, and what it reads of those that ran.
    func begin(_ step: Pipeline.Step, stage: any Stage) throws {
        let needs = try stage.needs(settings: step.settings)
        try state.withLock { state in
            let earlier = state.steps.filter { $0.name != step.name }
            let sources = try StepSources(of: step, needs: needs, among: earlier)
            state.sources = sources
            state.steps = earlier + [StepOutline(name: step.name, stage: stage, sources: sources)]
        }
    }

    /// Steps that did not run, each with the reason.
    public var skipped: [String: String] { state.withLock(\.skipped) }

    func skip(_ step: String, _ reason: String) { state.withLock { $0.skipped[step] = reason } }

    /// The numbers of a step's last round; none before its first.
    func lastMetrics(ofStep step: String) -> [String: Double] {
        state.withLock { $0.rounds[step]?.max { $0.key < $1.key }?.value.metrics ?? [:] }
    }

    /// Nobody plans before `begin`.
    public var step: StepOutline { state.withLock { $0.steps.last } ?? StepOutline(name: "", stage: NoStage()) }
    public var sources: StepSources { state.withLock { $0.sources } ?? StepSources() }

    func plan(_ shards: [ShardPlan]) {
        state.withLock { state in
            guard let step = state.steps.last?.name else { return }
            state.modelsUsed[step] = shards.lazy.compactMap(\.model).first
        }
    }

    func finish(step: String, round: Int, outcome: RoundOutcome) throws {
        let model = try outcome.model.map { try store($0) }
        let reduction = try outcome.state.map { try store($0) }
        state.withLock { state in
            state.rows += outcome.rows.map { (step, $0) }
            state.rounds[step, default: [:]][round] = Round(model: model, state: reduction, metrics: outcome.metrics)
        }
    }

    public func studies() -> [ResultRow.StudyRow] { latest(nil, nil, Self.study) }
    public func reportLabels() -> [ResultRow.ReportLabelRow] { latest(nil, nil, Self.reportLabel) }
    public func bagScores() -> [ResultRow.BagScoreRow] { latest(nil, nil, Self.bagScore) }
    public func imageScores() -> [ResultRow.ImageScoreRow] { latest(nil, nil, Self.imageScore) }
    public func boxes() -> [ResultRow.BoxRow] { latest(nil, nil, Self.box) }
    public func masks() -> [ResultRow.MaskRow] { latest(nil, nil, Self.mask) }
    public func bagScores(ofStep step: String, in part: StudyPart?) -> [ResultRow.BagScoreRow] {
        latest(step, part, Self.bagScore)
    }
    public func imageScores(ofStep step: String, in part: StudyPart?) -> [ResultRow.ImageScoreRow] {
        latest(step, part, Self.imageScore)
    }
    public func boxes(ofStep step: String, in part: StudyPart?) -> [ResultRow.BoxRow] {
        latest(step, part, Self.box)
    }
    public func masks(ofStep step: String, in part: StudyPart?) -> [ResultRow.MaskRow] {
        latest(step, part, Self.mask)
    }

    /// Of all studies: what the protocol has as well, without an error to catch.
    public func bagScores(ofStep step: String) -> [ResultRow.BagScoreRow] { bagScores(ofStep: step, in: nil) }
    public func imageScores(ofStep step: String) -> [ResultRow.ImageScoreRow] { imageScores(ofStep: step, in: nil) }
    public func boxes(ofStep step: String) -> [ResultRow.BoxRow] { boxes(ofStep: step, in: nil) }
    public func masks(ofStep step: String) -> [ResultRow.MaskRow] { masks(ofStep: step, in: nil) }

    public func features(ofStep step: String) -> [ResultRow.FeatureRow] { latest(step, nil, Self.feature) }
    public func features(ofRecipe recipe: String) -> [ResultRow.FeatureRow] {
        latest(nil, nil) { row in Self.feature(row).flatMap { $0.row.recipe == recipe ? $0 : nil } }
    }

    private static func study(_ row: ResultRow) -> (key: [String], row: ResultRow.StudyRow)? {
        if case .study(let row) = row { ([row.centre, row.study], row) } else { nil }
    }
    private static func reportLabel(_ row: ResultRow) -> (key: [String], row: ResultRow.ReportLabelRow)? {
        if case .reportLabel(let row) = row { ([row.centre, row.study], row) } else { nil }
    }
    private static func bagScore(_ row: ResultRow) -> (key: [String], row: ResultRow.BagScoreRow)? {
        if case .bagScore(let row) = row { ([row.centre, row.study, row.head], row) } else { nil }
    }
    private static func imageScore(_ row: ResultRow) -> (key: [String], row: ResultRow.ImageScoreRow)? {
        if case .imageScore(let row) = row { ([row.centre, row.study, row.image, row.head], row) } else { nil }
    }
    private static func box(_ row: ResultRow) -> (key: [String], row: ResultRow.BoxRow)? {
        if case .box(let row) = row { ([row.centre, row.study, row.image], row) } else { nil }
    }
    private static func mask(_ row: ResultRow) -> (key: [String], row: ResultRow.MaskRow)? {
        if case .mask(let row) = row { ([row.centre, row.study, row.image, row.kind], row) } else { nil }
    }

    private static func feature(_ row: ResultRow) -> (key: [String], row: ResultRow.FeatureRow)? {
        if case .feature(let row) = row { ([row.centre, row.study], row) } else { nil }
    }

    /// Of one step or of all; of rows with one key the step that began last has its own, as the protocol says.
    private func latest<Row>(
        _ step: String?, _ part: StudyPart?, _ pick: (ResultRow) -> (key: [String], row: Row)?
    ) -> [Row] {
        let wanted = part.map { part in (part.centre, Set(part.studies)) }
        let (rows, steps) = state.withLock { ($0.rows, $0.steps.map(\.name)) }
        let order = Dictionary(steps.enumerated().map { ($1, $0) }, uniquingKeysWith: { first, _ in first })
        var byKey: [[String]: (order: Int, row: Row)] = [:]
        for entry in rows where step == nil || entry.step == step {
            guard let (key, row) = pick(entry.row) else { continue }
            // Every kind's key begins with centre and study.
            if let (centre, studies) = wanted, key[0] != centre || !studies.contains(key[1]) { continue }
            let place = order[entry.step] ?? -1
            if let known = byKey[key], known.order > place { continue }
            byKey[key] = (place, row)
        }
        return byKey.sorted { $0.key.lexicographicallyPrecedes($1.key) }.map(\.value.row)
    }

    public func model(ofStep step: String, startingRound round: Int?) -> SHA256Digest? {
        state.withLock { state in
            let rounds = state.rounds[step] ?? [:]
            if let round { return rounds[round - 1]?.model }
            return rounds.filter { $0.value.model != nil }.max { $0.key < $1.key }?.value.model
        }
    }

    public func modelUsed(byStep step: String) -> SHA256Digest? { state.withLock { $0.modelsUsed[step] } }

    public func state(ofStep step: String, startingRound round: Int) -> SHA256Digest? {
        state.withLock { $0.rounds[step]?[round - 1]?.state }
    }

    public func metrics(ofStep step: String, round: Int) -> [String: Double] {
        state.withLock { $0.rounds[step]?[round]?.metrics ?? [:] }
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

/// What stands for the step before the first.
private struct NoStage: Stage {
    let name = ""

    func plan(round: Int, settings: StageSettings, view: any PlanningView) throws -> [ShardPlan] { [] }
    func map(_ shard: ShardInput, context: any MapContext) throws -> ShardOutput { ShardOutput() }
}
