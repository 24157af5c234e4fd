import Foundation
import Synchronization
import Testing
import ZeroMQ

/// CURVE with an allow-list, over real connections.
@Suite struct AuthenticatorTests {
    final class Server {
        let keys: CurveKeyPair
        let allowList = CurveAllowList()
        let endpoint: Endpoint
        private let authenticator: Authenticator
        private let socket: Socket
        private var poller: Poller
        let refused = Refusals()

        final class Refusals: Sendable {
            let count = Mutex(0)
        }

        init() throws {
            let context = try Context()
            keys = try CurveKeyPair()
            let refused = refused
            authenticator = try Authenticator(allowList, in: context) { _, _ in refused.count.withLock { $0 += 1 } }
            var options = SocketOptions()
            options.security = .server(keys: keys, domain: "test")
            socket = try Socket(.router, in: context, options: options)
            endpoint = try socket.bind(try Endpoint("tcp://127.0.0.1:*"))
            poller = Poller(sockets: [socket], wakeUp: try WakeUp())
        }

        /// The user and the bytes of the next message; nil when none comes.
        func receive(atMost timeout: Duration) throws -> (user: String?, bytes: Data)? {
            _ = try poller.wait(atMost: timeout)
            guard let frame = try socket.receive()?.last else { return nil }
            return (frame.property("User-Id"), frame.data)
        }
    }

    static func client(_ server: Server, keys: CurveKeyPair?, serverKey: CurvePublicKey? = nil) throws -> Socket {
        var options = SocketOptions()
        options.firstReconnectInterval = .milliseconds(20)
        if let keys { options.security = .client(keys: keys, serverKey: serverKey ?? server.keys.publicKey) }
        let socket = try Socket(.dealer, in: try Context(), options: options)
        try socket.connect(server.endpoint)
        return socket
    }

    static func send(_ text: String, _ socket: Socket) throws -> Bool {
        for _ in 0..<60 {
            if try socket.send([try Message(bytes: text.utf8)]) == .sent { return true }
            usleep(10_000)
        }
        return false
    }

    @Test func anAllowedKeyComesInUnderItsName() throws {
        let server = try Server()
        let keys = try CurveKeyPair()
        server.allowList.allow(keys.publicKey, as: "worker-1")
        let client = try Self.client(server, keys: keys)
        #expect(try Self.send("hello", client))
        let received = try #require(try server.receive(atMost: .seconds(5)))
        #expect(received.user == "worker-1")
        #expect(received.bytes == Data("hello".utf8))
    }

    @Test func unknownKeysWrongServersAndPlaintextAreKeptOut() throws {
        let server = try Server()
        let known = try CurveKeyPair()
        server.allowList.allow(known.publicKey, as: "known")
        let unknown = try Self.client(server, keys: try CurveKeyPair())
        let deceived = try Self.client(server, keys: known, serverKey: try CurveKeyPair().publicKey)
        let plain = try Self.client(server, keys: nil)
        for socket in [unknown, deceived, plain] { #expect(try !Self.send("hello", socket)) }
        #expect(try server.receive(atMost: .milliseconds(50)) == nil)
        #expect(server.refused.count.withLock { $0 } > 0)
    }

    @Test func aRevokedKeyCannotConnectAgain() throws {
        let server = try Server()
        let keys = try CurveKeyPair()
        server.allowList.allow(keys.publicKey, as: "w")
        do {
            let client = try Self.client(server, keys: keys)
            #expect(try Self.send("first", client))
            #expect(try server.receive(atMost: .seconds(5)) != nil)
        }
        server.allowList.revoke(keys.publicKey)
        let again = try Self.client(server, keys: keys)
        #expect(try !Self.send("second", again))
    }

    @Test func theListIsReadFromLines() throws {
        let keys = try CurveKeyPair()
        let list = try CurveAllowList(text: "# workers\n\nw1 \(keys.publicKey)\n")
        #expect(list.name(of: keys.publicKey) == "w1")
        try list.replace(text: "")
        #expect(list.name(of: keys.publicKey) == nil)
        for bad in ["w1", "w1 short", "w1 \(keys.publicKey) more", "a \(keys.publicKey)\nb \(keys.publicKey)"] {
            let error = try #require(throws: ZeroMQError.self) { try CurveAllowList(text: bad) }
            #expect(error.message.contains("line"))
        }
    }
}
