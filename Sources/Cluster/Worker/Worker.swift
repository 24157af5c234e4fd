import Archives
import Digest
import Foundation
import Stages
import Synchronization
import ZeroMQ

/// A worker: a socket loop and slots, each a thread of its own.
public final class Worker: Sendable {
    private let configuration: Configuration
    private let stages: StageRegistry
    private let log: EventLog
    private let wakeUp: WakeUp
    private let requests = Mailbox<Request>()
    private let stopFlag = StopFlag()
    private let outcome = Promise<ClusterError?>()
    private let count = Mutex(WorkerCounters())

    /// What other threads ask of the loop.
    enum Request: Sendable {
        case conclusion(Slot.Conclusion)
        case drain(within: Duration)
    }

    /// - Throws: `ClusterError.configuration`, which says what is wrong.
    public init(_ configuration: Configuration, stages: StageRegistry, log: EventLog) throws {
        try configuration.validate()
        self.configuration = configuration
        self.stages = stages
        self.log = log
        wakeUp = try WakeUp()
    }

    /// Starts the threads and returns.
    public func start() {
        let (configuration, stages, log, wakeUp, requests, stop) = (configuration, stages, log, wakeUp, requests, stopFlag)
        let outcome = outcome
        let update: @Sendable ((inout WorkerCounters) -> Void) -> Void = { [weak self] change in
            self?.count.withLock { change(&$0) }
        }
        _ = JoinableThread("worker") {
            let tasks = Mailbox<ShardTask>()
            let tell: @Sendable (Slot.Conclusion) -> Void = { conclusion in
                requests.send(.conclusion(conclusion))
                wakeUp.signal()
            }
            if configuration.pictures == nil {
                log(.info, "pictures.off", ["message": "overlays show patients' frames: none are made without --pictures"])
            }
            let contents = ContentStore(budget: configuration.contentCacheSizeInBytes) { tell(.wants($0)) }
            let watch = CentreWatch(centres: configuration.centres, log: log)
            let slot = Slot(
                stages: stages, stop: stop, contents: contents,
                objects: SharedObjects(capacity: configuration.sharedObjects), centres: configuration.centres,
                keys: CentreKeys(configuration.keys.map { CentreKeyFolder($0) }, log: log),
                pictures: PictureShelf(
                    folder: configuration.pictures.map { FramePictureFolder($0) },
                    allowsLeaving: configuration.allowsPicturesToLeave, log: log),
                watch: watch, returns: ReturnCounts(), conclude: tell)
            if !configuration.centres.isEmpty {
                // Known before the first hello: no shard comes of a centre that is away from the beginning.
                watch.lookAtAll()
                // Never waited for: a file system that hangs would hold it, and the process is about to end then.
                _ = JoinableThread("centres") {
                    Self.look(after: watch, every: configuration.timing.heartbeatInterval, until: stop, wakeUp: wakeUp)
                }
            }
            let threads = (0..<configuration.slots).map { index in
                JoinableThread("slot \(index)", stackSizeInBytes: 64 << 20) { slot.run(tasks) }
            }
            let result = Result {
                var loop = try WorkerLoop(
                    configuration, stages: stages, log: log, wakeUp: wakeUp, requests: requests, tasks: tasks,
                    contents: contents, watch: watch, count: update)
                return try loop.run()
            }
            stop.set()
            tasks.close()
            // A slot that ignores its cancellation is left behind; the process is about to end.
            for thread in threads { _ = thread.join(atMost: .seconds(2)) }
            switch result {
            case .success(let error): outcome.fulfil(error)
            case .failure(let error): outcome.fulfil(ClusterError(.configuration, "\(error)"))
            }
        }
    }

    private static func look(
        after watch: CentreWatch, every interval: Duration, until stop: StopFlag, wakeUp: WakeUp
    ) {
        while !stop.isSet {
            let before = watch.version
            watch.lookAtAll()
            if watch.version != before { wakeUp.signal() }
            let next = ContinuousClock.now + interval
            while !stop.isSet, ContinuousClock.now < next { Thread.sleep(forTimeInterval: min(0.1, interval.inSeconds)) }
        }
    }

    /// Takes no new shards, finishes running ones until the configured deadline, gives back the rest and leaves.
    public func drain() {
        requests.send(.drain(within: configuration.drainDeadline))
        wakeUp.signal()
    }

    /// Stops running shards as soon as they ask, gives everything back and leaves.
    public func stop() {
        stopFlag.set()
        requests.send(.drain(within: .zero))
        wakeUp.signal()
    }

    /// Waits until the worker has left. Nil: on request, in good order.
    public func wait() -> ClusterError? { outcome.wait() }

    /// Waits so long at most; nil when it has not left by then.
    public func wait(atMost timeout: Duration) -> ClusterError?? { outcome.wait(atMost: timeout) }

    public func counters() -> WorkerCounters { count.withLock { $0 } }
}
