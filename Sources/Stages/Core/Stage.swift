import Digest
import Foundation

/// One kind of work that the cluster does: cut into shards by `plan`, done by `map`, folded by `reduce`.
///
/// `plan` and `reduce` run on the coordinator, `map` on a worker; the same three run in one process in a test. A stage
/// knows nothing of sockets, databases or other workers, and keeps no state: whatever it needs is in its arguments, so
/// that any of the three can be repeated after a crash and gives the same answer.
public protocol Stage: Sendable {
    /// The stage's name in pipelines: lower case, words joined by hyphens. A step that has no name of its own takes it.
    var name: String { get }

    /// Checks a pipeline's settings for this stage before a job is accepted.
    /// - Throws: `StageError.invalidSettings`, which names the field and what it may be.
    func validate(settings: StageSettings) throws

    /// Looks at the files on the coordinator's host that these settings name, before a job is accepted: hours may pass until
    /// the stage is planned, and reads them. Quick; their numbers are not read.
    /// - Throws: `StageError.parameters`, which names the stage and the file.
    func checkFiles(settings: StageSettings) throws

    /// What earlier steps of the pipeline must leave for these settings: checked before a job is accepted.
    func needs(settings: StageSettings) throws -> [StageNeed]

    /// What a step that runs it leaves for others.
    var products: [Product] { get }

    /// How evaluation reads what it draws; nil for stages that draw nothing.
    var localiser: Localiser? { get }

    /// Whether its rounds say how far what it leaves agrees with what taught the network behind it (`Agreement`): a loop's
    /// `until` looks at it.
    var measuresAgreement: Bool { get }

    /// How many rounds the stage makes with these settings. All but averaging stages make one.
    func roundCount(settings: StageSettings) throws -> Int

    /// What to do when shards of a round were set aside; nil for stages that do not average, whose other shards stand for
    /// themselves.
    func missingReplicas(settings: StageSettings) throws -> MissingReplicas?

    /// The shards of one round. Planning twice gives the same keys and the same inputs.
    /// - Parameter round: from 0.
    func plan(round: Int, settings: StageSettings, view: any PlanningView) throws -> [ShardPlan]

    /// Computes one shard: a pure function of its input, the archive, the parameters named in it, and its seed.
    ///
    /// One bad image or study is reported as a row (`ResultRow.item`), never thrown; what is thrown fails the shard.
    func map(_ shard: ShardInput, context: any MapContext) throws -> ShardOutput

    /// Folds the records of a finished round. Called once all its shards are done or quarantined.
    func reduce(
        round: Int, records: [ShardRecord], settings: StageSettings, view: any PlanningView
    ) throws -> RoundOutcome
}

extension Stage {
    public func validate(settings: StageSettings) throws {}
    public func checkFiles(settings: StageSettings) throws {}
    public func needs(settings: StageSettings) throws -> [StageNeed] { [] }
    public var products: [Product] { [] }
    public var localiser: Localiser? { nil }
    public var measuresAgreement: Bool { false }
    public func roundCount(settings: StageSettings) throws -> Int { 1 }
    public func missingReplicas(settings: StageSettings) throws -> MissingReplicas? { nil }
    public func reduce(
        round: Int, records: [ShardRecord], settings: StageSettings, view: any PlanningView
    ) throws -> RoundOutcome { RoundOutcome() }
}

/// A stage's settings as they stand in the pipeline: a JSON object.
public struct StageSettings: Sendable, Hashable {
    /// UTF-8 of one JSON object.
    public var json: Data

    public init(json: Data = Data("{}".utf8)) { self.json = json }

    /// The settings as `type`; a field that is absent takes the default that `type` gives it.
    /// - Throws: `StageError.invalidSettings`, naming the field.
    public func decoded<Settings: Decodable>(as type: Settings.Type, stage: String) throws -> Settings {
        do {
            return try JSONDecoder().decode(type, from: json)
        } catch let error as DecodingError {
            throw StageError(.invalidSettings, "settings of stage \(stage): \(error.fieldAndReason)")
        }
    }
}

/// A shard that is to be done: small, self-describing, of one centre.
public struct ShardPlan: Sendable, Hashable {
    /// Unique within the stage's round, the same whenever the round is planned again.
    public var key: String
    /// The centre whose archive the shard reads; only workers that can read it get the shard. Nil: any worker.
    public var centre: String?
    /// What to do, as JSON that the stage's own `map` understands. It never holds report text or patient names.
    public var input: Data
    /// Content that `map` will ask for by its digest (parameters, long lists), kept alive while the shard is open.
    public var blobs: [SHA256Digest]
    /// The parameters that `map` runs, in stages that only infer: one for all shards of a round. They stand in the ledger
    /// beside the round's results (`PlanningView.modelUsed(byStep:)`).
    public var model: SHA256Digest?
    /// True when all shards of the job that say so must run in one numeric setup (docs/Architecture.md, "Numeric
    /// setup").
    public var needsUniformSetup: Bool

    public init(
        key: String, centre: String?, input: Data, blobs: [SHA256Digest] = [], model: SHA256Digest? = nil,
        needsUniformSetup: Bool = false
    ) {
        self.key = key
        self.centre = centre
        self.input = input
        self.blobs = blobs
        self.model = model
        self.needsUniformSetup = needsUniformSetup
    }
}

/// A shard as `map` receives it.
public struct ShardInput: Sendable {
    /// The step's name in its pipeline.
    public var step: String
    public var round: Int
    public var key: String
    public var centre: String?
    public var input: Data
    /// The job's seed; whatever is random derives from it, the step, the round and the key, never from time or worker.
    public var seed: UInt64

    public init(step: String, round: Int, key: String, centre: String?, input: Data, seed: UInt64) {
        self.step = step
        self.round = round
        self.key = key
        self.centre = centre
        self.input = input
        self.seed = seed
    }
}

/// What `map` returns.
public struct ShardOutput: Sendable {
    /// Rows for the ledger; they commit in one transaction with the shard's `done`.
    public var rows: [ResultRow]
    /// What `reduce` needs of this shard: JSON, at most 256 KiB.
    public var record: Data
    /// Content too large for a row or a record: a parameter delta, heat maps. Rows and `reduce` name it by digest.
    public var blobs: [Data]
    /// Pictures that show a patient's frame: the worker keeps them in their centre and adds their rows.
    public var pictures: [FramePicture]

    public init(
        rows: [ResultRow] = [], record: Data = Data("{}".utf8), blobs: [Data] = [], pictures: [FramePicture] = []
    ) {
        self.rows = rows
        self.record = record
        self.blobs = blobs
        self.pictures = pictures
    }
}

/// One finished shard as `reduce` sees it.
public struct ShardRecord: Sendable {
    public var key: String
    public var centre: String?
    /// The record of `map`; nil when the shard was quarantined.
    public var record: Data?
    /// Digests of the blobs that `map` returned, in its order.
    public var blobs: [SHA256Digest]

    public init(key: String, centre: String?, record: Data?, blobs: [SHA256Digest]) {
        self.key = key
        self.centre = centre
        self.record = record
        self.blobs = blobs
    }
}

/// What a round came to.
public struct RoundOutcome: Sendable {
    public var rows: [ResultRow]
    /// New parameters: canonical safetensors bytes (`ParameterSet.encoded()`); the stage's model from now on.
    public var model: Data?
    /// State of the reduction itself that the next round needs, such as an outer optimiser's momentum.
    public var state: Data?
    /// Named numbers of the round, for `status`: `loss`, `validationAUC`, …
    public var metrics: [String: Double]
    /// One entry a contribution, in the order in which they were folded: who took part, with what weight.
    public var contributions: [Contribution]
    /// What a person should look at, although the round stands: one sentence each, with nothing of an archive. They are
    /// logged, and stand in the stage's message.
    public var warnings: [String]
    /// True ends an averaging stage before its last round (early stopping).
    public var isFinal: Bool
    /// By centre, what its archive is recognised by (`CentreFingerprint`, encoded); the catalogue alone gives them.
    public var fingerprints: [String: Data]

    public init(
        rows: [ResultRow] = [], model: Data? = nil, state: Data? = nil, metrics: [String: Double] = [:],
        contributions: [Contribution] = [], warnings: [String] = [], isFinal: Bool = false, fingerprints: [String: Data] = [:]
    ) {
        self.fingerprints = fingerprints
        self.rows = rows
        self.model = model
        self.state = state
        self.metrics = metrics
        self.contributions = contributions
        self.warnings = warnings
        self.isFinal = isFinal
    }

    public struct Contribution: Sendable, Hashable {
        public var shardKey: String
        public var centre: String?
        public var samples: Int
        /// Share of the average, 0 when rejected; where a robust rule (median, trimmed mean) looks at values alone, the same
        /// for all who took part.
        public var weight: Double
        /// Its mean training loss, where it trained.
        public var loss: Double?
        /// Why it was left out; nil when it took part.
        public var rejection: String?

        public init(
            shardKey: String, centre: String?, samples: Int, weight: Double, loss: Double? = nil, rejection: String? = nil
        ) {
            self.shardKey = shardKey
            self.centre = centre
            self.samples = samples
            self.weight = weight
            self.loss = loss
            self.rejection = rejection
        }
    }
}

extension StageSettings {
    /// Refuses fields that a stage does not know: a misspelt setting must not silently keep its default.
    /// - Throws: `StageError.invalidSettings`, naming the first unknown field and the known ones.
    package func requireFields(_ known: [String], stage: String) throws {
        let fields = try decoded(as: [String: JSONValue].self, stage: stage)
        if let unknown = fields.keys.sorted().first(where: { !known.contains($0) }) {
            throw StageError(
                .invalidSettings,
                "stage \(stage) has no setting `\(unknown)`; "
                    + (known.isEmpty ? "it takes none" : "it takes \(known.sorted().joined(separator: ", "))"))
        }
    }
}
