import Foundation
import Wire

/// Who speaks on which connection of the coordinator's socket, and who has fallen silent. A value without I/O.
package struct PeerTable {
    /// One life of a worker: its name and its boot id.
    package struct Identity: Hashable, Sendable {
        package var name: String
        package var boot: Data

        package init(name: String, boot: Data) {
            self.name = name
            self.boot = boot
        }
    }

    package enum Action: Equatable {
        /// Pass the message on to those who deal with it.
        case accept
        case refuse(Refused)
        /// A worker introduces itself; `replacing` is its earlier connection, which is forgotten.
        case introduce(Hello, replacing: Data?)
        /// It leaves; pass that on, and forget the connection.
        case farewell
    }

    private struct Peer {
        var identity: Identity
        var lastHeard: Instant
    }

    private var peers: [Data: Peer] = [:]
    private var connections: [Identity: Data] = [:]
    private let silenceLimit: Duration
    private let requiredStages: [String]
    private let checksIdentity: Bool

    /// - Parameters:
    ///   - requiredStages: what a worker must know; one that does not would fail shards that others can do.
    ///   - checksIdentity: a worker's name must be that of the key which its connection has proved, on every message.
    package init(silenceLimit: Duration, requiredStages: [String], checksIdentity: Bool = false) {
        self.checksIdentity = checksIdentity
        self.silenceLimit = silenceLimit
        self.requiredStages = requiredStages
    }

    package var count: Int { peers.count }
    package var connectionIDs: [Data] { Array(peers.keys) }

    package func identity(of connection: Data) -> Identity? { peers[connection]?.identity }

    /// - Parameter user: the name of the key that the connection has proved; nil without keys.
    package mutating func receive(
        _ message: WireMessage, from connection: Data, user: String? = nil, now: ContinuousClock.Instant
    ) -> Action {
        if checksIdentity {
            let claimed = if case .hello(let hello) = message { hello.worker } else { peers[connection]?.identity.name }
            guard let user, claimed == nil || claimed == user else {
                return .refuse(
                    Refused(
                        code: .identity,
                        reason: "its key is that of `\(user ?? "nobody")`: a worker must have the name under which its key is allowed"))
            }
        }
        switch message {
        case .hello(let hello): return introduce(hello, connection, now)
        case .statusQuery, .submitJob, .cancelJob, .resumeJob, .requeueJob: return .accept
        case .goodbye where peers[connection] != nil:
            remove(connection)
            return .farewell
        case .want, .heartbeat, .results, .giveBack, .failures, .fetch, .content, .drain, .goodbye:
            guard peers[connection] != nil else {
                return .refuse(Refused(code: .unknownSession, reason: "this coordinator does not know the connection: say hello"))
            }
            peers[connection]?.lastHeard = now
            return .accept
        case .welcome, .refused, .assign, .heartbeatAck, .acks, .statusAnswer, .jobAnswer, .requeueAnswer:
            return .refuse(Refused(code: .malformed, reason: "only a coordinator says that"))
        }
    }

    private mutating func introduce(_ hello: Hello, _ connection: Data, _ now: Instant) -> Action {
        guard hello.lowestVersion <= WireProtocol.version, hello.highestVersion >= WireProtocol.version else {
            return .refuse(
                Refused(
                    code: .version,
                    reason: "it speaks versions \(hello.lowestVersion) to \(hello.highestVersion) of the protocol, "
                        + "this coordinator version \(WireProtocol.version)"))
        }
        let missing = Set(requiredStages).subtracting(hello.stages).sorted()
        guard missing.isEmpty else {
            return .refuse(
                Refused(
                    code: .version,
                    reason: "its program does not know the stages \(missing.joined(separator: ", ")): use the coordinator's release"))
        }
        let identity = Identity(name: hello.worker, boot: hello.boot)
        let earlier = connections[identity].flatMap { $0 == connection ? nil : $0 }
        if let earlier { remove(earlier) }
        // The connection may have been another life's, on a test's socket that was kept.
        remove(connection)
        peers[connection] = Peer(identity: identity, lastHeard: now)
        connections[identity] = connection
        return .introduce(hello, replacing: earlier)
    }

    /// Nothing was received for `pause` because nobody listened (the coordinator's host stood still): that is no
    /// silence of the peers.
    package mutating func nobodyListened(for pause: Duration) {
        for connection in peers.keys { peers[connection]?.lastHeard += pause }
    }

    /// Connections that have been silent for too long; they are forgotten, and must say hello again.
    package mutating func takeSilent(now: ContinuousClock.Instant) -> [Data] {
        let silent = peers.filter { now - $0.value.lastHeard >= silenceLimit }.keys.sorted { $0.lexicographicallyPrecedes($1) }
        for connection in silent { remove(connection) }
        return silent
    }

    private mutating func remove(_ connection: Data) {
        guard let peer = peers.removeValue(forKey: connection) else { return }
        if connections[peer.identity] == connection { connections[peer.identity] = nil }
    }
}
