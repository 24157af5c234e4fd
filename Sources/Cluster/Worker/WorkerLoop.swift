import Digest
import Foundation
import Stages
import Wire
import ZeroMQ

/// The worker's socket thread: it moves messages and shards between the coordinator, the session and the slots, and
/// computes nothing, so that no computation can delay a heartbeat.
struct WorkerLoop {
    private let configuration: Worker.Configuration
    private let log: EventLog
    private let requests: Mailbox<Worker.Request>
    private let tasks: Mailbox<ShardTask>
    private let contents: ContentStore
    private let watch: CentreWatch
    private let count: @Sendable ((inout WorkerCounters) -> Void) -> Void
    private let socket: Socket
    private var poller: Poller
    private var session: WorkerSession
    private var running: [ShardLease: ShardTask] = [:]
    private var held = HeldContents()
    private var downloads = DownloadSet()
    private var outbox: [WireMessage] = []
    private var outcome: ClusterError??
    private var stuck: StuckSlots
    /// Since when slots were found stuck, by their shards.
    private var stuckSince: [ShardLease: Instant] = [:]
    /// What the coordinator was told of the centres last.
    private var toldVersion: UInt64 = 0

    init(
        _ configuration: Worker.Configuration, stages: StageRegistry, log: EventLog, wakeUp: WakeUp,
        requests: Mailbox<Worker.Request>, tasks: Mailbox<ShardTask>, contents: ContentStore, watch: CentreWatch,
        count: @escaping @Sendable ((inout WorkerCounters) -> Void) -> Void
    ) throws {
        self.configuration = configuration
        self.log = log
        self.requests = requests
        self.tasks = tasks
        self.contents = contents
        self.watch = watch
        stuck = StuckSlots(patience: configuration.timing.slotPatience)
        self.count = count
        // No routing id: the coordinator's socket then gives each connection one of its own, so that a stale reply
        // reaches nobody and no peer can take another's place.
        var options = SocketOptions()
        options.security = configuration.security
        options.maximumFrameSizeInBytes = WireProtocol.headerSizeInBytes + 4096
        options.longestReconnectInterval = .seconds(2)
        options.sendHighWaterMark = 256
        options.receiveHighWaterMark = 256
        socket = try Socket(.dealer, in: try Context(), options: options)
        try socket.connect(configuration.endpoint)
        poller = Poller(sockets: [socket], wakeUp: wakeUp)
        let hello = Hello(
            worker: configuration.name, boot: Self.newBoot(), slots: UInt32(configuration.slots),
            centres: configuration.centres.keys.sorted(), stages: stages.names, numericSetup: configuration.numericSetup,
            program: configuration.program, host: ProcessInfo.processInfo.hostName,
            process: Int64(ProcessInfo.processInfo.processIdentifier))
        session = WorkerSession(
            WorkerSession.Settings(
                hello: hello, heartbeatInterval: configuration.timing.heartbeatInterval,
                leaseDuration: configuration.timing.leaseDuration))
    }

    private static func newBoot() -> Data {
        var generator = SystemRandomNumberGenerator()
        return Data((0..<16).map { _ in UInt8.random(in: 0...255, using: &generator) })
    }

    /// Runs until the worker leaves; nil when it left on request.
    mutating func run() throws -> ClusterError? {
        log(.info, "worker.started", ["worker": configuration.name, "slots": configuration.slots, "endpoint": configuration.endpoint])
        while true {
            _ = try poller.wait(atMost: pause)
            let now = ContinuousClock.now
            // First what came, then the troubles, then dealing with what came: a shard never goes back for a trouble of
            // which the coordinator has not heard.
            let came = requests.receiveAll(atMost: .zero)
            tellTroubles()
            for request in came { handle(request, now) }
            try receiveAll()
            lookForStuckSlots(now)
            perform(session.handle(.tick, now: .now))
            for pieces in downloads.retries(now: now) { outbox.append(.fetch(pieces)) }
            try flush()
            if case .some(.none) = outcome, !stuckSince.isEmpty {
                outcome = .some(
                    ClusterError(
                        .stuckSlot, "\(stuckSince.count) of \(configuration.slots) slots did not return: the worker must start anew"))
            }
            if let outcome {
                log(.info, "worker.left", ["worker": configuration.name, "reason": outcome?.message ?? "drained"])
                return outcome
            }
        }
    }

    /// Short while something waits for a connection, otherwise a fraction of a heartbeat.
    private var pause: Duration {
        outbox.isEmpty ? min(session.settings.heartbeatInterval / 8, .milliseconds(100)) : .milliseconds(5)
    }

    private mutating func handle(_ request: Worker.Request, _ now: Instant) {
        switch request {
        case .drain(let limit): perform(session.handle(.drain(deadline: now + limit), now: now))
        case .conclusion(.wants(let digest)):
            outbox.append(.fetch(downloads.begin(digest, now: now)))
        case .conclusion(.finished(let result, let new, let seconds)):
            running[result.lease] = nil
            returned(result.lease)
            held.hold(new, for: result.lease)
            count { $0.finished += 1 }
            let bytes = new.values.reduce(0) { $0 + $1.count }
            perform(session.handle(.finished(result, heldBytes: bytes, seconds: seconds), now: now))
        case .conclusion(.failed(let failure)):
            running[failure.lease] = nil
            returned(failure.lease)
            count { $0.failed += 1 }
            log(.warning, "shard.failed", ["lease": failure.lease, "code": failure.code, "message": failure.message])
            perform(session.handle(.failed(failure), now: now))
        case .conclusion(.stopped(let lease)):
            running[lease] = nil
            returned(lease)
            count { $0.stopped += 1 }
            perform(session.handle(.stopped(lease), now: now))
        }
    }

    private mutating func receiveAll() throws {
        // Bounded, so that a flood cannot keep the loop from its heartbeats.
        for _ in 0..<256 {
            guard let frames = try socket.receive(maximumFrames: 8) else { return }
            let now = ContinuousClock.now
            do throws(WireError) {
                switch try WireMessage(frames: frames) {
                case .fetch(let pieces): outbox += pieces.map { .content(held.answer($0)) }
                case .content(let content): take(content, now)
                case let message:
                    if case .assign(let shards) = message { watch.learn(from: shards) }
                    perform(session.handle(.received(message), now: now))
                    // A new session knows nothing of this worker's troubles.
                    if case .welcome = message, !troubles(now).isEmpty { perform(session.handle(.news, now: now)) }
                }
            } catch {
                count { $0.malformedMessages += 1 }
                log(.warning, "wire.malformed", ["reason": error.message])
            }
        }
    }

    private mutating func take(_ content: ContentBytes, _ now: Instant) {
        if let bytes = content.bytes?.count { count { $0.fetchedBytes += bytes } }
        switch downloads.receive(content, now: now) {
        case .ask(let pieces): if !pieces.isEmpty { outbox.append(.fetch(pieces)) }
        case .complete(let digest, let data): contents.deliver(data, for: digest)
        case .failed(let digest, let reason): contents.fail(digest, reason: reason)
        case .ignored: break
        }
    }

    private mutating func perform(_ actions: [WorkerSession.Action]) {
        for action in actions {
            switch action {
            case .send(let message): outbox.append(message)
            case .heartbeat(let sequence, let leases, let limit, let isDraining):
                // Also what is no longer this worker's, while a slot has not left it: that slot is not free.
                let lingering = stuck.leases.filter { !leases.contains($0) }
                let progress = (leases + lingering).map { running[$0]?.progress ?? Heartbeat.Progress(lease: $0) }
                outbox.append(
                    .heartbeat(
                        Heartbeat(
                            sequence: sequence, held: progress, limit: limit, isDraining: isDraining,
                            residentBytes: Self.residentBytes, troubles: troubles(.now))))
            case .run(let shard):
                let task = ShardTask(shard)
                running[shard.lease] = task
                tasks.send(task)
            case .cancel(let lease, let whileRunning): cancel(lease, whileRunning: whileRunning)
            case .forget(let lease): held.forget(lease)
            case .clearOutbox:
                outbox = []
                for pieces in downloads.restart(now: .now) { outbox.append(.fetch(pieces)) }
            case .log(let remark): note(remark)
            case .leave(let error): outcome = .some(error)
            }
        }
    }

    private mutating func cancel(_ lease: ShardLease, whileRunning: Bool) {
        guard let task = running[lease] else { return }
        if whileRunning { task.cancel() }
        guard task.withdraw() else {
            if whileRunning { stuck.toldToStop(lease, now: .now) }
            return
        }
        running[lease] = nil
        perform(session.handle(.stopped(lease), now: .now))
    }

    // MARK: Troubles

    private func troubles(_ now: Instant) -> [Heartbeat.Trouble] {
        watch.troubles(now: now)
            + stuckSince.sorted { $0.key < $1.key }.map { lease, since in
                Heartbeat.Trouble(
                    centre: nil, job: nil,
                    reason: "a slot does not return from shard \(lease.shard), which it was told to leave; the worker starts anew",
                    age: now - since)
            }
    }

    private mutating func tellTroubles() {
        let version = watch.version
        guard version != toldVersion else { return }
        toldVersion = version
        perform(session.handle(.news, now: .now))
    }

    private mutating func returned(_ lease: ShardLease) {
        stuck.returned(lease)
        stuckSince[lease] = nil
    }

    /// A slot that does not return is lost to this process: the others finish what they do, and the process ends.
    private mutating func lookForStuckSlots(_ now: Instant) {
        let new = stuck.stuck(now: now).filter { stuckSince[$0.lease] == nil }
        guard !new.isEmpty else { return }
        for (lease, waited) in new {
            stuckSince[lease] = now - waited
            log(.error, "slot.stuck", ["lease": lease, "seconds": waited.inSeconds.rounded(), "consequence": "the worker starts anew"])
        }
        perform(session.handle(.news, now: now))
        perform(session.handle(.drain(deadline: now + configuration.drainDeadline), now: now))
    }

    private func note(_ remark: WorkerSession.Remark) {
        switch remark {
        case .sessionBegun(let epoch):
            count { $0.sessions += 1 }
            log(.info, "session.begun", ["worker": configuration.name, "epoch": epoch])
        case .coordinatorSilent: log(.warning, "coordinator.silent", ["worker": configuration.name])
        case .messageRefused(let reason): log(.warning, "message.refused", ["reason": reason])
        case .shardLost(let lease, let reason):
            count { $0.lost += 1 }
            log(.warning, "shard.lost", ["lease": lease, "reason": reason])
        case .resultRefused(let lease, let outcome, let reason):
            count { $0.refusedResults += 1 }
            log(.warning, "result.refused", ["lease": lease, "outcome": outcome, "reason": reason])
        case .draining: log(.info, "worker.draining", ["worker": configuration.name])
        }
    }

    private mutating func flush() throws {
        var sent = 0
        while sent < outbox.count, try socket.send(try outbox[sent].frames()) == .sent { sent += 1 }
        outbox.removeFirst(sent)
    }

    /// From /proc: pages in memory.
    private static var residentBytes: UInt64 {
        guard let text = try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8) else { return 0 }
        let fields = text.split(separator: " ")
        return fields.count > 1 ? (UInt64(fields[1]) ?? 0) * 4096 : 0
    }
}
