/// Where a socket listens or connects: `tcp://host:port` or `ipc://path`, and nothing else.
///
/// libzmq speaks more (WebSocket, multicast, TIPC); those are refused here, so that a typing error in a configuration
/// cannot open a door that nobody watches.
public struct Endpoint: Sendable, Hashable, CustomStringConvertible {
    public enum Transport: Sendable, Hashable {
        case tcp(host: String, port: UInt16?)
        case ipc(path: String)
        case inproc(name: String)
    }

    public let transport: Transport

    /// Reads an endpoint; `port` may be `*` for one that the system chooses (`tcp://127.0.0.1:*`).
    /// - Throws: `ZeroMQError.endpoint`, which says what is wrong with the text.
    public init(_ text: String) throws(ZeroMQError) {
        if text.hasPrefix("ipc://") {
            let path = String(text.dropFirst(6))
            // sun_path holds 108 bytes with its NUL.
            guard !path.isEmpty, path.utf8.count < 108, !path.utf8.contains(0) else {
                throw ZeroMQError(.endpoint, "`\(text)`: the path of an ipc endpoint must have 1 to 107 bytes")
            }
            transport = .ipc(path: path)
            return
        }
        guard text.hasPrefix("tcp://") else {
            throw ZeroMQError(
                .endpoint, "`\(text)` is not an endpoint: write tcp://host:port or ipc:///path/of/socket")
        }
        let address = text.dropFirst(6)
        guard let colon = address.lastIndex(of: ":") else {
            throw ZeroMQError(.endpoint, "`\(text)` has no port: write tcp://host:port")
        }
        let host = String(address[..<colon])
        let portText = address[address.index(after: colon)...]
        let isBracketed = host.hasPrefix("[") && host.hasSuffix("]") && host.count > 2
        let allowed = host.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_"):
                true
            case UInt8(ascii: ":"), UInt8(ascii: "["), UInt8(ascii: "]"), UInt8(ascii: "%"): isBracketed
            default: false
            }
        }
        guard !host.isEmpty, allowed || host == "*" else {
            throw ZeroMQError(.endpoint, "`\(text)`: `\(host)` is not a host name or address")
        }
        if portText == "*" {
            transport = .tcp(host: host, port: nil)
        } else if let port = UInt16(portText), port > 0 {
            transport = .tcp(host: host, port: port)
        } else {
            throw ZeroMQError(.endpoint, "`\(text)`: the port must be 1 to 65535")
        }
    }

    init(transport: Transport) { self.transport = transport }

    /// An endpoint within the process, for the library's own use.
    package static func inproc(_ name: String) -> Endpoint { Endpoint(transport: .inproc(name: name)) }

    /// True when no other host can reach it: a loopback address, a Unix socket, the process itself.
    public var isLocal: Bool {
        switch transport {
        case .ipc, .inproc: true
        case .tcp(let host, _):
            host == "localhost" || host == "[::1]" || Self.isLoopbackAddress(host)
        }
    }

    /// Four decimal numbers, the first of which is 127: a name such as `127.example.org` is not an address.
    private static func isLoopbackAddress(_ host: String) -> Bool {
        let parts = host.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts[0] == "127" && parts.allSatisfy { UInt8($0) != nil }
    }

    /// - Throws: `ZeroMQError.plaintextRefused` when other hosts can reach the endpoint and nothing protects it.
    public func requireProtection(hasKeys: Bool, allowPlaintext: Bool) throws(ZeroMQError) {
        guard isLocal || hasKeys || allowPlaintext else {
            throw ZeroMQError(
                .plaintextRefused,
                "\(self) can be reached by other hosts and has no keys: give CURVE keys, use 127.0.0.1 or ipc://, "
                    + "or allow plaintext explicitly on a network that you trust")
        }
    }

    public var description: String {
        switch transport {
        case .tcp(let host, let port): "tcp://\(host):\(port.map(String.init) ?? "*")"
        case .ipc(let path): "ipc://\(path)"
        case .inproc(let name): "inproc://\(name)"
        }
    }
}
