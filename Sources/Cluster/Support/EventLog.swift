import Foundation

/// One line an event: date and time in UTC, level, event, fields. Report text, patient names and keys have no place in it.
public struct EventLog: Sendable {
    public enum Level: Int, Sendable, Comparable, CaseIterable {
        case debug, info, warning, error
        public static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
    }

    private let level: Level?
    private let write: @Sendable (String) -> Void

    /// - Parameter write: gets whole lines without their end; may be called from any thread.
    public init(level: Level = .info, write: @escaping @Sendable (String) -> Void) {
        self.level = level
        self.write = write
    }

    private init() {
        level = nil
        write = { _ in }
    }

    public static let silent = EventLog()

    /// Lines on standard error, each in one write.
    public static func standardError(level: Level = .info) -> EventLog {
        EventLog(level: level) { line in
            try? FileHandle.standardError.write(contentsOf: Data((line + "\n").utf8))
        }
    }

    /// Lines in a file that is turned by its size.
    public static func file(_ file: RotatingLog, level: Level = .info) -> EventLog {
        EventLog(level: level) { file.write($0) }
    }

    package func callAsFunction(
        _ level: Level, _ event: String, _ fields: KeyValuePairs<String, any CustomStringConvertible & Sendable> = [:]
    ) {
        guard let least = self.level, level >= least else { return }
        var line = "\(Date().formatted(Self.timestamp)) \(level) \(event)"
        for (key, value) in fields { line += " \(key)=\(Self.quoted(value.description))" }
        write(line)
    }

    /// `2026-11-30T17:20:51.123Z`.
    private static let timestamp = Date.ISO8601FormatStyle(includingFractionalSeconds: true, timeZone: .gmt)

    /// A value with spaces, quotes or line ends in quotation marks, so that a line stays a line.
    static func quoted(_ text: String) -> String {
        let isPlain = !text.isEmpty && text.unicodeScalars.allSatisfy { $0.value > 32 && $0 != "\"" && $0 != "=" && $0.value != 127 }
        guard !isPlain else { return text }
        var quoted = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"", "\\": quoted += "\\\(scalar)"
            case "\n": quoted += "\\n"
            case _ where scalar.value < 32 || scalar.value == 127: quoted += " "
            default: quoted.unicodeScalars.append(scalar)
            }
        }
        return quoted + "\""
    }
}
