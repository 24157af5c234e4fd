import Archives
import Digest
import Foundation
import Synchronization

/// Runs a pipeline in one process, without coordinator, workers or database: plan, map and reduce of each stage in turn,
/// with the ledger in memory. For tests, and for trying a recipe.
public final class LocalRunner: Sendable {
    public let registry: StageRegistry
    public let store: MemoryLedger
    private let context: LocalMapContext
    private let slots: Int
    private let order: @Sendable ([ShardPlan]) -> [ShardPlan]
    private let onRound: @Sendable (String, Int, RoundOutcome) -> Void

    /// - Parameters:
    ///   - centres: the folders of the centres.
    ///   - slots: how many shards are mapped at a time.
    ///   - order: in which order shards are mapped and handed to `reduce`; results must not depend on it.
    ///   - onRound: told of each round's outcome.
    ///   - earlier: a runner of another job in the same process: what a worker keeps from one job to the next, such as decoded
    ///     images, is kept here.
    public init(
        registry: StageRegistry, centres: [String: URL], seed: UInt64, slots: Int = 1, after earlier: LocalRunner? = nil,
        order: @escaping @Sendable ([ShardPlan]) -> [ShardPlan] = { $0 },
        onRound: @escaping @Sendable (String, Int, RoundOutcome) -> Void = { _, _, _ in }
    ) {
        self.registry = registry
        store = MemoryLedger(seed: seed, centres: centres.keys.sorted())
        context = LocalMapContext(centres: centres, store: store, objects: earlier?.context.objects ?? SharedObjects())
        self.slots = slots
        self.order = order
        self.onRound = onRound
    }

    public func run(_ pipeline: Pipeline) throws {
        for step in pipeline.steps {
            if let reason = pipeline.reasonToSkip(step, metrics: store.lastMetrics) {
                store.skip(step.name, reason)
            } else {
                try run(pipeline.reading(step, skipping: Set(store.skipped.keys)))
            }
        }
    }

    public func run(_ step: Pipeline.Step) throws {
        guard let stage = registry[step.stage] else {
            throw StageError(.invalidSettings, "there is no stage \(step.stage)")
        }
        try stage.validate(settings: step.settings)
        try store.begin(step, stage: stage)
        for round in 0..<(try stage.roundCount(settings: step.settings)) {
            let shards = order(try stage.plan(round: round, settings: step.settings, view: store))
            store.plan(shards)
            let records = try map(shards, step: step.name, stage: stage, round: round)
            let outcome = try stage.reduce(round: round, records: records, settings: step.settings, view: store)
            try store.finish(step: step.name, round: round, outcome: outcome)
            onRound(step.name, round, outcome)
            if outcome.isFinal { break }
        }
    }

    /// Maps shards of a stage without planning or reducing: for benchmarks.
    func map(_ shards: [ShardPlan], ofStage name: String) throws {
        guard let stage = registry[name] else { throw StageError(.invalidSettings, "there is no stage \(name)") }
        _ = try map(shards, step: name, stage: stage, round: 0)
    }

    /// Maps the shards on `slots` threads; the first error ends the run once the others are through.
    private func map(_ shards: [ShardPlan], step: String, stage: any Stage, round: Int) throws -> [ShardRecord] {
        let results = ParallelWork.map(count: shards.count, threads: slots) { [store, context] index in
            let plan = shards[index]
            return Result {
                let output = try stage.map(
                    ShardInput(
                        step: step, round: round, key: plan.key, centre: plan.centre, input: plan.input,
                        seed: store.seed),
                    context: context)
                for row in output.rows { try row.requireNumbers() }
                store.add(output.rows, step: step)
                store.keep(output.pictures, step: step)
                return ShardRecord(
                    key: plan.key, centre: plan.centre, record: output.record,
                    blobs: try output.blobs.map { try store.store($0) })
            }
        }
        return try results.map { try $0.get() }
    }
}

/// What a worker lends, in one process.
final class LocalMapContext: MapContext {
    private let centres: [String: URL]
    private let store: MemoryLedger
    let objects: SharedObjects
    private let key = CentreKey()

    init(centres: [String: URL], store: MemoryLedger, objects: SharedObjects) {
        self.centres = centres
        self.store = store
        self.objects = objects
    }

    func archiveFolder(ofCentre centre: String) throws -> URL {
        guard let folder = centres[centre] else {
            throw StageError(.archive, "this worker does not serve centre \(centre)")
        }
        return folder
    }

    func centreKey(_ centre: String) throws -> CentreKey { key }
    func keepsPictures(in place: FramePicture.Place) -> Bool { true }
    func content(_ digest: SHA256Digest) throws -> Data { try store.content(digest) }

    func shared<Object: Sendable>(_ key: String, make: () throws -> Object) throws -> Object {
        try objects.object(key, make: make)
    }

    func progress(done: Int, of total: Int) {}
    func checkCancellation() throws {}
}

/// Objects by key, each made once; those who ask meanwhile wait.
final class SharedObjects: Sendable {
    private final class Place: Sendable {
        let object = Mutex<(any Sendable)?>(nil)
    }

    private let places = Mutex<[String: Place]>([:])

    func object<Object: Sendable>(_ key: String, make: () throws -> Object) throws -> Object {
        let place = places.withLock { places in
            if let place = places[key] { return place }
            let place = Place()
            places[key] = place
            return place
        }
        return try place.object.withLock { slot in
            if let object = slot as? Object { return object }
            let object = try make()
            slot = object
            return object
        }
    }
}
