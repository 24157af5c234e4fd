import Foundation
import Synchronization

/// Answers libzmq's question whether a connecting key may come in (ZAP, RFC 27), on a thread of its own.
///
/// It must be made before the sockets that it guards, in the same context: libzmq asks at a fixed name within it.
public final class Authenticator: Sendable {
    private let wakeUp: WakeUp
    private let isStopped = Atomic<Bool>(false)

    /// - Parameter onRefusal: told of each refused key, for the log; called on the authenticator's thread.
    public init(
        _ allowList: CurveAllowList, in context: Context,
        onRefusal: @escaping @Sendable (CurvePublicKey?, _ address: String) -> Void
    ) throws(ZeroMQError) {
        wakeUp = try WakeUp()
        let wakeUp = wakeUp
        let bound = DispatchSemaphore(value: 0)
        let failure = Failure()
        let loop = Thread { [weak self] in
            do throws(ZeroMQError) {
                // The socket belongs to this thread from its beginning to its end.
                let socket = try Socket(.reply, in: context)
                try socket.bind(.inproc("zeromq.zap.01"))
                bound.signal()
                var poller = Poller(sockets: [socket], wakeUp: wakeUp)
                while let self, !self.isStopped.load(ordering: .acquiring) {
                    guard try poller.wait(atMost: .seconds(1)).sockets[0], let request = try socket.receive() else { continue }
                    let answer = Self.answer(request.map(\.data), allowList, onRefusal)
                    var frames: [Message] = []
                    for part in answer { frames.append(try Message(part)) }
                    _ = try socket.send(frames)
                }
            } catch {
                failure.set(error)
                bound.signal()
            }
        }
        loop.name = "authenticator"
        loop.start()
        bound.wait()
        if let error = failure.value { throw error }
    }

    /// Why the thread could not begin.
    private final class Failure: Sendable {
        private let error = Mutex<ZeroMQError?>(nil)
        var value: ZeroMQError? { error.withLock { $0 } }
        func set(_ new: ZeroMQError) { error.withLock { $0 = new } }
    }

    public func stop() {
        isStopped.store(true, ordering: .releasing)
        wakeUp.signal()
    }

    deinit { stop() }

    /// Request: version, request id, domain, address, identity, mechanism, credentials (the key's 32 bytes).
    /// Answer: version, request id, status, text, user id, metadata.
    static func answer(
        _ request: [Data], _ allowList: CurveAllowList, _ onRefusal: (CurvePublicKey?, String) -> Void
    ) -> [Data] {
        let version = Data("1.0".utf8)
        let id = request.count > 1 ? request[1] : Data()
        let address = request.count > 3 ? String(decoding: request[3], as: UTF8.self) : ""
        let key = request.count > 6 ? CurvePublicKey(bytes: request[6]) : nil
        if request.count == 7, request[0] == version, request[5] == Data("CURVE".utf8), let key,
            let name = allowList.name(of: key)
        {
            return [version, id, Data("200".utf8), Data("OK".utf8), Data(name.utf8), Data()]
        }
        onRefusal(key, address)
        // 400 and not 300: a client that gets 300 waits for ever.
        return [version, id, Data("400".utf8), Data("this key is not on the allow-list".utf8), Data(), Data()]
    }
}
