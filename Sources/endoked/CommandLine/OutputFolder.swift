import Foundation
import Stages

/// Where results go. Whether it can be written is found out before hours of computing, not after.
enum OutputFolder {
    static func prepare(_ folder: URL) throws {
        let probe = folder.appendingPathComponent(".endoked-writable-\(ProcessInfo.processInfo.processIdentifier)")
        do {
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
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

/// Results that could not be written; the ledger still holds them (`endoked results` writes them again).
struct OutputError: Error, CustomStringConvertible {
    var description: String
    init(_ description: String) { self.description = description + " (the ledger keeps the results: free space and use `endoked results`)" }
}
