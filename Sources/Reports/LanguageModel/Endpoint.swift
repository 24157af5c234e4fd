import Foundation

/// Where a language model is asked: the base of an OpenAI-compatible service, checked against an allow-list.
///
/// Reports go nowhere else: a host that is neither loopback nor listed is refused before anything is sent.
public struct Endpoint: Sendable, Equatable {
    /// The address of the chat completions.
    public let url: URL
    /// `host:port`, as in the allow-list.
    public let authority: String

    /// - Parameters:
    ///   - base: `http://127.0.0.1:8080`, `https://llm.hospital.example/v1` …: with or without `/v1`.
    ///   - allowed: `host:port` of the hosts that may be asked; loopback needs no entry.
    /// - Throws: `endpointInvalid` for anything but http and https with a host, or with credentials in it;
    ///   `endpointRefused` for a host that is not allowed.
    public init(_ base: String, allowed: [String]) throws {
        guard let components = URLComponents(string: base), let scheme = components.scheme?.lowercased(),
            scheme == "http" || scheme == "https", var host = components.host?.lowercased(), !host.isEmpty
        else {
            throw ReportsError(.endpointInvalid, "\"\(base)\" is no endpoint: write http://host:port or https://host/v1")
        }
        guard components.user == nil, components.password == nil else {
            throw ReportsError(.endpointInvalid, "an endpoint must not carry a user or password; give the key in a file")
        }
        if host.hasPrefix("["), host.hasSuffix("]") { host = String(host.dropFirst().dropLast()) }
        let port = components.port ?? (scheme == "https" ? 443 : 80)
        let authority = host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
        self.authority = authority
        guard Self.isLoopback(host) || allowed.contains(where: { $0.lowercased() == authority }) else {
            throw ReportsError(
                .endpointRefused,
                "\(authority) is not on the list of endpoints that may see reports; add it there if it may")
        }
        var target = components
        target.query = nil
        target.fragment = nil
        var path = target.path
        while path.hasSuffix("/") { path.removeLast() }
        if path.hasSuffix("/chat/completions") {
            target.path = path
        } else {
            target.path = (path.isEmpty ? "/v1" : path) + "/chat/completions"
        }
        guard let url = target.url else { throw ReportsError(.endpointInvalid, "\"\(base)\" is no endpoint") }
        self.url = url
    }

    /// Literal loopback addresses and `localhost`; a name that merely resolves there is not trusted.
    private static func isLoopback(_ host: String) -> Bool {
        if host == "localhost" || host == "::1" { return true }
        let parts = host.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts.allSatisfy { UInt8($0) != nil } && parts[0] == "127"
    }
}
