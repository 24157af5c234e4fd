import Foundation
import Stages

/// Where results go. Whether it can be written is found out before hours of computing, not after.
enum OutputFolder {
    /// Makes it where it is missing.
    static func create(_ folder: URL) throws {
        do {
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        } catch { throw ConfigurationError("cannot make the folder \(folder.path): \(reason(error))") }
    }

    /// A folder that a command line names.
    /// - Throws: `UsageError` for a name that log lines, sockets and the database's own files cannot hold.
    static func named(_ path: String, option: String) throws -> URL {
        guard !path.isEmpty, !path.unicodeScalars.contains(where: { $0.value < 32 || $0.value == 127 || $0.value == 0xFFFD }) else {
            throw UsageError(
                "--\(option) names a folder that is empty or has a line end or another control character in it: give it another name")
        }
        return URL(fileURLWithPath: path).standardizedFileURL
    }

    static func prepare(_ folder: URL) throws {
        try create(folder)
        let probe = folder.appendingPathComponent(".endoked-writable-\(ProcessInfo.processInfo.processIdentifier)")
        do {
            try Data("ok".utf8).write(to: probe)
            try FileManager.default.removeItem(at: probe)
        } catch {
            throw ConfigurationError("cannot write to \(folder.path): \(reason(error))")
        }
    }

    /// Writes beside the target and renames: a file that is there is whole, also after a crash or on a full disk.
    static func write(_ data: Data, to file: URL) throws {
        do {
            try FileManager.default.createDirectory(
                at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
            try data.write(to: file, options: .atomic)
        } catch {
            throw OutputError("cannot write \(file.path): \(reason(error))")
        }
    }

    private static func reason(_ error: any Error) -> String { ForeignError.words(error) }
}

/// Results that could not be written; the ledger still holds them.
struct OutputError: Error, CustomStringConvertible {
    var description: String
    init(_ description: String) { self.description = description }
}
