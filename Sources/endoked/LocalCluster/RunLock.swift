import Foundation

/// Keeps a folder for one program at a time. The lock is the system's and goes with the process that holds it, however
/// that ends: the file that stays behind says who had it, and locks nothing.
final class RunLock {
    private var descriptors: [Int32] = []

    /// - Parameters:
    ///   - folders: made where they are missing; one that is named twice is locked once.
    ///   - work: what holds them, for the message that the next one gets: `endoked run`.
    /// - Throws: `ConfigurationError` when another process has one of them: who, where and since when. Nothing was touched.
    init(_ folders: [URL], work: String) throws {
        var known: Set<[UInt64]> = []
        for folder in folders {
            try OutputFolder.create(folder)
            let file = folder.appendingPathComponent(Self.fileName)
            let descriptor = open(file.path, O_CREAT | O_RDWR | O_CLOEXEC, 0o644)
            guard descriptor >= 0 else {
                throw ConfigurationError("cannot write to \(folder.path): \(String(cString: strerror(errno)))")
            }
            var status = stat()
            fstat(descriptor, &status)
            guard known.insert([UInt64(status.st_dev), UInt64(status.st_ino)]).inserted else {
                close(descriptor)
                continue
            }
            descriptors.append(descriptor)
            guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
                guard errno == EWOULDBLOCK else {
                    throw ConfigurationError(
                        "\(file.path) cannot be locked (\(String(cString: strerror(errno)))): name a folder on a local disk")
                }
                throw ConfigurationError(
                    "\(folder.path) is in use: \(Self.holder(in: file)) works in it. Wait for its end, stop it, or name another folder; nothing was touched"
                )
            }
        }
        let text =
            "process \(getpid())\nhost \(ProcessInfo.processInfo.hostName)\nsince \(Int(Date().timeIntervalSince1970))\n"
            + "work \(work)\n"
        for descriptor in descriptors {
            // What it says is for people; the lock holds without it, as on a full disk.
            _ = ftruncate(descriptor, 0)
            _ = text.withCString { pwrite(descriptor, $0, strlen($0), 0) }
        }
    }

    /// Whether another process holds the lock of a folder now.
    static func isHeld(_ folder: URL) -> Bool {
        let descriptor = open(folder.appendingPathComponent(fileName).path, O_RDWR | O_CLOEXEC)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        return flock(descriptor, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK
    }

    deinit { for descriptor in descriptors { close(descriptor) } }

    static let fileName = ".endoked-lock"

    /// `endoked run (process 12 on host a, since 2026-11-30T17:20:00+00:00)`; the holder may still be writing it.
    private static func holder(in file: URL) -> String {
        for _ in 0..<20 {
            let lines = ((try? String(contentsOf: file, encoding: .utf8)) ?? "").split(separator: "\n")
            let fields = Dictionary(
                lines.map { $0.split(separator: " ", maxSplits: 1).map(String.init) }.filter { $0.count == 2 }.map { ($0[0], $0[1]) },
                uniquingKeysWith: { $1 })
            if let work = fields["work"], let process = fields["process"], let host = fields["host"],
                let since = fields["since"].flatMap(Double.init)
            {
                let style = Date.ISO8601FormatStyle(timeZone: .current)
                return "\(work) (process \(process) on \(host), since \(Date(timeIntervalSince1970: since).formatted(style)))"
            }
            usleep(50_000)
        }
        return "another endoked"
    }
}
