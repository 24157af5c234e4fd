import Foundation

/// The key of a model's server. It prints as dots, whatever prints it.
public struct ModelKey: Sendable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    let secret: String

    /// The first line of a file.
    ///
    /// - Throws: `keyUnreadable`.
    public init(file: URL) throws {
        guard let text = try? String(contentsOf: file, encoding: .utf8),
            let line = text.split(whereSeparator: \.isNewline).first.map({ $0.trimmingCharacters(in: .whitespaces) }),
            Self.isUsable(line)
        else {
            throw ReportsError(.keyUnreadable, "the key file \(file.path) cannot be read or holds no key in its first line")
        }
        secret = line
    }

    /// The value of an environment variable; nil when it is not set.
    ///
    /// - Throws: `keyUnreadable` when it is set to something that is no key.
    public init?(environment name: String) throws {
        guard let value = ProcessInfo.processInfo.environment[name] else { return nil }
        guard Self.isUsable(value) else { throw ReportsError(.keyUnreadable, "the variable \(name) holds no key") }
        secret = value
    }

    /// A header must not be broken open by a key.
    private static func isUsable(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F }
    }

    public var description: String { "•••" }
    public var debugDescription: String { "•••" }
    public var customMirror: Mirror { Mirror(self, children: []) }
}
