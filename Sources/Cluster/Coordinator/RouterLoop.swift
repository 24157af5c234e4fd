import Foundation
import Stages
import Wire
import ZeroMQ

/// What other threads tell the coordinator's socket thread.
enum RouterCommand: Sendable {
    case send(WireMessage, to: Data)
    /// To every worker.
    case broadcast(WireMessage)
}

/// The way to the socket thread, from any other.
final class RouterOutbox: Sendable {
    private let commands = Mailbox<RouterCommand>()
    let wakeUp: WakeUp

    init() throws { wakeUp = try WakeUp() }

    func send(_ message: WireMessage, to connection: Data) {
        commands.send(.send(message, to: connection))
        wakeUp.signal()
    }

    func broadcast(_ message: WireMessage) {
        commands.send(.broadcast(message))
        wakeUp.signal()
    }

    func takeAll() -> [RouterCommand] { commands.receiveAll(atMost: .zero) }
}

/// The coordinator's socket thread. It only moves bytes: it decodes, looks who speaks, and passes on.
struct RouterLoop {
    private let socket: Socket
    private let authenticator: Authenticator?
    private var poller: Poller
    private let outbox: RouterOutbox
    private let writer: Mailbox<WriterCommand>
    private let uploads: Mailbox<UploadCommand>
    private let desk: Mailbox<DeskCommand>
    private let writerAccess: LedgerAccess
    private let timing: ClusterTiming
    private let epoch: Int64
    private let log: EventLog
    private let count: CounterBox
    private var peers: PeerTable
    /// Messages for peers whose queues are full, in order.
    private var waiting: [Data: [WireMessage]] = [:]
    private var nextSweep: Instant

    /// Beyond so many waiting messages contents are dropped.
    private static let waitingContents = 64

    let endpoints: [Endpoint]

    init(_ configuration: Coordinator.Configuration, term: CoordinatorTerm) throws {
        var options = SocketOptions()
        options.security = configuration.security
        options.maximumFrameSizeInBytes = WireProtocol.headerSizeInBytes + 4096
        options.sendHighWaterMark = 256
        options.receiveHighWaterMark = 256
        let context = try Context()
        let (log, count) = (term.log, term.count)
        // Before the socket: what it has no answer for, libzmq lets in.
        authenticator = try configuration.allowList.map { allowList in
            try Authenticator(allowList, in: context) { key, address in
                count { $0.refusedKeys += 1 }
                log(.warning, "key.refused", ["key": key?.z85 ?? "none", "address": address])
            }
        }
        let socket = try Socket(.router, in: context, options: options)
        self.socket = socket
        endpoints = try configuration.endpoints.map { try socket.bind($0) }
        outbox = term.outbox
        poller = Poller(sockets: [socket], wakeUp: outbox.wakeUp)
        writer = term.writer
        uploads = term.uploads
        desk = term.desk
        writerAccess = term.writerAccess
        timing = configuration.timing
        epoch = term.epoch
        self.log = log
        self.count = count
        peers = PeerTable(
            silenceLimit: configuration.timing.silenceLimit, requiredStages: term.stages.names,
            checksIdentity: authenticator != nil)
        nextSweep = .now
    }

    mutating func run(until stop: StopFlag) throws {
        while !stop.isSet {
            let pause: Duration = waiting.isEmpty ? min(timing.heartbeatInterval / 4, .milliseconds(100)) : .milliseconds(2)
            _ = try poller.wait(atMost: pause)
            try receiveAll()
            for command in outbox.takeAll() {
                switch command {
                case .send(let message, let connection): try send(message, to: connection)
                case .broadcast(let message):
                    for connection in peers.connectionIDs { try send(message, to: connection) }
                }
            }
            try retryWaiting()
            sweep()
        }
    }

    private mutating func receiveAll() throws {
        // Bounded, so that a flood cannot hold up what is to be sent.
        for _ in 0..<512 {
            guard let frames = try socket.receive(maximumFrames: 9) else { return }
            guard let first = frames.first else { continue }
            let connection = first.data
            count { $0.messagesReceived += 1 }
            do throws(WireError) {
                let user = frames.last?.property("User-Id")
                handle(try WireMessage(frames: frames.dropFirst()), connection, user)
            } catch {
                count { $0.malformedMessages += 1 }
                log(.warning, "wire.malformed", ["code": error.code, "reason": error.message])
                let code: Refused.Code = error.code == .version ? .version : .malformed
                reply(.refused(Refused(code: code, reason: error.message)), to: connection)
            }
        }
    }

    /// - Parameter user: the name of the key that the connection has proved.
    private mutating func handle(_ message: WireMessage, _ connection: Data, _ user: String?) {
        let now = ContinuousClock.now
        switch peers.receive(message, from: connection, user: user, now: now) {
        case .refuse(let refused):
            count { $0.refusedMessages += 1 }
            if case .hello(let hello) = message {
                log(.warning, "worker.refused", ["worker": hello.worker, "reason": refused.reason])
            }
            reply(.refused(refused), to: connection)
        case .introduce(let hello, let earlier):
            writer.send(.hello(hello, at: connection, replacing: earlier))
            if let earlier { uploads.send(.gone(earlier)) }
        case .farewell:
            writer.send(.goodbye(at: connection))
            uploads.send(.gone(connection))
        case .accept: pass(message, connection)
        }
    }

    private mutating func pass(_ message: WireMessage, _ connection: Data) {
        switch message {
        case .heartbeat(let heartbeat):
            // Nothing can be extended while PostgreSQL is away, and nothing can be lost: say so at once.
            if writerAccess.isAway {
                let ack = HeartbeatAck(sequence: heartbeat.sequence, revoked: [], isLedgerAway: true, epoch: epoch)
                reply(.heartbeatAck(ack), to: connection)
            } else {
                writer.send(.heartbeat(heartbeat, at: connection))
            }
        case .want(let limit): writer.send(.want(limit, at: connection))
        case .results(let results):
            let plain = results.filter(\.contents.isEmpty)
            if !plain.isEmpty { writer.send(.results(plain, at: connection)) }
            let heavy = results.filter { !$0.contents.isEmpty }
            if !heavy.isEmpty { uploads.send(.results(heavy, at: connection)) }
        case .giveBack(let leases, _): writer.send(.giveBack(leases, at: connection))
        case .failures(let failures): writer.send(.failures(failures, at: connection))
        case .content(let content): uploads.send(.content(content, at: connection))
        case .fetch(let pieces): desk.send(.fetch(pieces, from: connection))
        case .statusQuery(let request, let job): desk.send(.status(request: request, job: job, from: connection))
        case .submitJob(let job): desk.send(.submit(job, from: connection))
        case .cancelJob(let request, let job, let reason):
            desk.send(.cancel(request: request, job: job, reason: reason, from: connection))
        case .resumeJob(let request, let job): desk.send(.resume(request: request, job: job, from: connection))
        case .requeueJob(let request, let job, let stage):
            desk.send(.requeue(request: request, job: job, stage: stage, from: connection))
        default: break
        }
    }

    // MARK: Sending

    /// For answers that the loop gives itself; an error of the socket shows at the next use.
    private mutating func reply(_ message: WireMessage, to connection: Data) { try? send(message, to: connection) }

    private mutating func send(_ message: WireMessage, to connection: Data) throws {
        if let queue = waiting[connection] {
            // Contents are asked for again when they do not come; all else is bounded by credit.
            if case .content = message, queue.count >= Self.waitingContents { return }
            waiting[connection]?.append(message)
            return
        }
        switch try socket.send(try message.frames(to: connection)) {
        case .sent: break
        case .wouldBlock: waiting[connection] = [message]
        case .unroutable: lose(connection)
        }
    }

    private mutating func retryWaiting() throws {
        for (connection, messages) in waiting {
            waiting[connection] = nil
            for message in messages { try send(message, to: connection) }
        }
    }

    private mutating func lose(_ connection: Data) {
        count { $0.undeliverableMessages += 1 }
        waiting[connection] = nil
        guard peers.identity(of: connection) != nil else { return }
        // It may only have reconnected: it stays known until it says hello on another connection or is silent too long.
        writer.send(.unreachable(at: connection))
        uploads.send(.gone(connection))
    }

    private mutating func sweep() {
        let now = ContinuousClock.now
        guard now >= nextSweep else { return }
        let late = now - nextSweep
        if late > timing.heartbeatInterval / 2 { peers.nobodyListened(for: late) }
        nextSweep = now + timing.heartbeatInterval / 4
        for connection in peers.takeSilent(now: now) {
            waiting[connection] = nil
            writer.send(.silent(at: connection))
            uploads.send(.gone(connection))
        }
    }
}
