import Foundation
import ZeroMQ

extension WireMessage {
    /// The frames for a socket, behind a routing id where the socket is a router.
    public func frames(to routingID: Data? = nil) throws(ZeroMQError) -> [Message] {
        let (header, payload) = encoded()
        var frames: [Message] = []
        if let routingID { frames.append(try Message(routingID)) }
        frames.append(try Message(header))
        for part in payload { frames.append(try Message(part)) }
        return frames
    }

    /// Reads frames as a socket gave them, without a routing id. Payloads are not copied.
    public init(frames: some Collection<Message>) throws(WireError) {
        guard let header = frames.first else { throw WireError(.malformed, "a message without frames") }
        guard frames.count <= 8 else { throw WireError(.malformed, "a message of \(frames.count) frames") }
        let payload = frames.dropFirst().map { $0.sharedData() }
        var result: Result<WireMessage, WireError>?
        header.withUnsafeBytes { buffer in
            result = Result { () throws(WireError) in try WireMessage(header: buffer, payload: payload) }
        }
        guard let result else { throw WireError(.malformed, "the header is absent") }
        self = try result.get()
    }
}
