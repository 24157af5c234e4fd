import Foundation
import Testing
import Wire
import ZeroMQ

/// A peer that a test makes speak word by word: a worker that vanishes, repeats itself, or lies.
final class RawPeer {
    private let socket: Socket
    private var poller: Poller
    let boot: Data
    let name: String

    init(_ name: String, endpoint: Endpoint, boot: UInt8 = 7) throws {
        self.name = name
        self.boot = Data(repeating: boot, count: 16)
        socket = try Socket(.dealer, in: try Context())
        try socket.connect(endpoint)
        poller = Poller(sockets: [socket], wakeUp: try WakeUp())
    }

    func send(_ message: WireMessage) throws { try send(frames: message.encoded().header, message.encoded().payload) }

    func send(frames header: Data, _ payload: [Data] = []) throws {
        for _ in 0..<500 {
            if try socket.send(([header] + payload).map { try Message($0) }) == .sent { return }
            usleep(10_000)
        }
        Issue.record("no connection to the coordinator")
    }

    /// The next message that `read` takes; others are passed over.
    func receive<Answer>(atMost timeout: Duration = .seconds(10), _ read: (WireMessage) -> Answer?) throws -> Answer {
        let deadline = ContinuousClock.now + timeout
        while ContinuousClock.now < deadline {
            _ = try poller.wait(atMost: .milliseconds(50))
            while let frames = try socket.receive() {
                if let answer = read(try WireMessage(frames: frames)) { return answer }
            }
        }
        throw TestCluster.TimedOut(description: "\(name) got no such message within \(timeout)")
    }

    func hello(slots: UInt32 = 2, centres: [String] = ["north", "south"], stages: [String], held: [ShardLease] = []) throws {
        try send(
            .hello(
                Hello(
                    worker: name, boot: boot, slots: slots, centres: centres, stages: stages, numericSetup: "test",
                    program: "raw", host: "h", process: 1, held: held)))
    }

    @discardableResult
    func join(slots: UInt32 = 2, stages: [String], held: [ShardLease] = []) throws -> Welcome {
        try hello(slots: slots, stages: stages, held: held)
        return try receive { if case .welcome(let welcome) = $0 { welcome } else { nil } }
    }

    /// Wants shards, and waits for so many.
    func take(_ count: Int, limit: UInt64) throws -> [AssignedShard] {
        try send(.want(limit: limit))
        var shards: [AssignedShard] = []
        while shards.count < count {
            shards += try receive { if case .assign(let shards) = $0 { shards } else { nil } }
        }
        return shards
    }

    func ack(of lease: ShardLease) throws -> ShardAck {
        try receive { if case .acks(let acks) = $0 { acks.first { $0.lease == lease } } else { nil } }
    }
}
