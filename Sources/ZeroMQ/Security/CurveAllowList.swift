import Foundation
import Synchronization

/// Whose public keys a server accepts, and under which names. It may change while sockets are open: a key that was
/// taken off the list cannot connect again.
public final class CurveAllowList: Sendable {
    private let names: Mutex<[CurvePublicKey: String]>

    public init(_ names: [CurvePublicKey: String] = [:]) { self.names = Mutex(names) }

    /// Reads lines of a name, a space and a key in Z85; empty lines and lines that begin with `#` are passed over.
    /// - Throws: `ZeroMQError.key`, naming the line.
    public convenience init(text: String) throws(ZeroMQError) {
        self.init(try Self.parse(text))
    }

    /// Replaces the whole list.
    public func replace(text: String) throws(ZeroMQError) {
        let parsed = try Self.parse(text)
        names.withLock { $0 = parsed }
    }

    public func allow(_ key: CurvePublicKey, as name: String) { names.withLock { $0[key] = name } }
    public func revoke(_ key: CurvePublicKey) { names.withLock { $0[key] = nil } }

    /// The name of a key; nil when it is not on the list.
    public func name(of key: CurvePublicKey) -> String? { names.withLock { $0[key] } }

    private static func parse(_ text: String) throws(ZeroMQError) -> [CurvePublicKey: String] {
        var names: [CurvePublicKey: String] = [:]
        for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            let fields = line.split(whereSeparator: \.isWhitespace)
            guard let first = fields.first, !first.hasPrefix("#") else { continue }
            guard fields.count == 2 else {
                throw ZeroMQError(.key, "line \(index + 1) of the allow-list is not a name and a key")
            }
            do throws(ZeroMQError) {
                let key = try CurvePublicKey(z85: String(fields[1]))
                guard names.updateValue(String(first), forKey: key) == nil else {
                    throw ZeroMQError(.key, "this key stands there twice")
                }
            } catch {
                throw ZeroMQError(.key, "line \(index + 1) of the allow-list (\(first)): \(error.message)")
            }
        }
        return names
    }
}
