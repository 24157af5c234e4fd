import Foundation

/// libzmq listens at addresses only, and looks a name up again and again without a word when it connects.
extension Endpoint {
    /// The same endpoint with the address that this host has by the name; of several one that other hosts can reach. What is
    /// an address already, a network interface, `*` or no TCP stays as it is.
    /// - Throws: `ZeroMQError.unresolved` for a name that has no address.
    public func forListening() throws(ZeroMQError) -> Endpoint {
        guard case .tcp(let host, let port) = transport, host != "*", !Self.isAddress(host) else { return self }
        // By whatever name service, it is to stay within this host.
        if host == "localhost" { return Endpoint(transport: .tcp(host: "127.0.0.1", port: port)) }
        if if_nametoindex(host) != 0 { return self }
        let found = try addresses(of: host, "give an address of this host, 127.0.0.1 for this host alone, or * for all it has")
        let reachable = found.first { !Endpoint(transport: .tcp(host: $0, port: port)).isLocal }
        return Endpoint(transport: .tcp(host: reachable ?? found[0], port: port))
    }

    /// Finds out now what would otherwise be waited for without end.
    /// - Throws: `ZeroMQError.unresolved` for a name that has no address, `.endpoint` for what nobody can connect to.
    public func requireConnectable() throws(ZeroMQError) {
        guard case .tcp(let host, let port) = transport else { return }
        guard host != "*", port != nil else {
            throw ZeroMQError(
                .endpoint, "`\(self)`: * is for listening; give the coordinator's host and port, as in tcp://10.20.0.5:5570")
        }
        guard !Self.isAddress(host), host != "localhost" else { return }
        _ = try addresses(of: host, "correct the name, or give the coordinator's address")
    }

    /// An IPv4 address, or an IPv6 one in brackets.
    private static func isAddress(_ host: String) -> Bool {
        var address = in_addr()
        return host.hasPrefix("[") || inet_pton(AF_INET, host, &address) == 1
    }

    /// As libzmq writes them, IPv4 first; never empty.
    private func addresses(of host: String, _ advice: String) throws(ZeroMQError) -> [String] {
        var hints = addrinfo()
        hints.ai_family = AF_UNSPEC
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        let code = getaddrinfo(host, nil, &hints, &list)
        defer { if let list { freeaddrinfo(list) } }
        var found: [(isIPv4: Bool, text: String)] = []
        var next = code == 0 ? list : nil
        while let entry = next?.pointee {
            var text = [CChar](repeating: 0, count: 256)
            if getnameinfo(entry.ai_addr, entry.ai_addrlen, &text, socklen_t(text.count), nil, 0, NI_NUMERICHOST) == 0 {
                let address = String(decoding: text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
                let isIPv4 = entry.ai_family == AF_INET
                found.append((isIPv4, isIPv4 ? address : "[\(address)]"))
            }
            next = entry.ai_next
        }
        guard !found.isEmpty else {
            let reason = code == 0 ? "it has no address" : gai_strerror(code).map { String(cString: $0) } ?? "error \(code)"
            throw ZeroMQError(.unresolved, "`\(self)`: the name \(host) is not known here (\(reason)): \(advice)")
        }
        return found.filter(\.isIPv4).map(\.text) + found.filter { !$0.isIPv4 }.map(\.text)
    }
}
