import Foundation
import Testing

/// The built program, run as its users run it.
struct EndokedProcess {
    var status: Int32
    var output: String
    var errors: String

    /// `endoked`, which the package's build puts beside the test bundle.
    static let program = URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent()
        .appendingPathComponent("endoked")

    static func run(_ arguments: String..., environment: [String: String] = [:]) throws -> EndokedProcess {
        let running = try Running(arguments, environment: environment)
        return running.wait()
    }

    /// A program under way; its output goes to files, so that no pipe can fill.
    final class Running {
        let process = Process()
        private let folder: URL

        /// - Parameter shell: a script for /bin/sh in which `"$@"` is the program with its arguments.
        init(_ arguments: [String], environment: [String: String] = [:], shell: String? = nil) throws {
            folder = try TemporaryFolder.make()
            if let shell {
                process.executableURL = URL(fileURLWithPath: "/bin/sh")
                process.arguments = ["-c", shell, "sh", EndokedProcess.program.path] + arguments
            } else {
                process.executableURL = EndokedProcess.program
                process.arguments = arguments
            }
            process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
            process.standardInput = FileHandle.nullDevice
            process.standardOutput = try file("out")
            process.standardError = try file("err")
            // A suite under nohup ignores it, and what it starts would inherit that.
            signal(SIGHUP, SIG_DFL)
            try process.run()
        }

        private func file(_ name: String) throws -> FileHandle {
            let url = folder.appendingPathComponent(name)
            _ = FileManager.default.createFile(atPath: url.path, contents: nil)
            return try FileHandle(forWritingTo: url)
        }

        private func text(_ name: String) -> String {
            String(decoding: (try? Data(contentsOf: folder.appendingPathComponent(name))) ?? Data(), as: UTF8.self)
        }

        var errorsSoFar: String { text("err") }

        func wait() -> EndokedProcess {
            process.waitUntilExit()
            defer { try? FileManager.default.removeItem(at: folder) }
            return EndokedProcess(status: process.terminationStatus, output: text("out"), errors: text("err"))
        }

        /// Process numbers of its children whose command line holds `word`.
        func children(_ word: String) -> [Int32] {
            let all = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
            return all.compactMap(Int32.init).filter { number in
                guard let stat = try? String(contentsOfFile: "/proc/\(number)/stat", encoding: .utf8),
                    let fields = stat.split(separator: ")").last?.split(separator: " "), fields.count > 1,
                    Int32(fields[1]) == process.processIdentifier,
                    let line = FileManager.default.contents(atPath: "/proc/\(number)/cmdline")
                else { return false }
                return String(decoding: line, as: UTF8.self).split(separator: "\0").dropFirst().first == word[...]
            }
        }
    }
}

enum TemporaryFolder {
    /// A new folder that other users may enter: the private PostgreSQL runs as another when the tests run as root.
    static func make() throws -> URL {
        let url = FileManager.default.temporaryDirectory.appendingPathComponent("endoked-cli-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: url.path)
        return url
    }
}
