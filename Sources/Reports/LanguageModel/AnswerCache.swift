import Digest
import Foundation
import Glibc

/// Answers kept by content: the same model, prompt and de-identified text is asked once.
///
/// One file an answer, readable by its owner only, named by the SHA-256 of what was asked, written beside and renamed into place: a crash leaves
/// no half answer. The files hold the answer only, never the report.
struct AnswerCache: Sendable {
    let directory: URL

    /// - Throws: `cacheUnwritable` when the directory cannot be made.
    init(directory: URL) throws {
        self.directory = directory
        do {
            // An answer quotes a sentence of its report.
            try FileManager.default.createDirectory(
                at: directory.appendingPathComponent(Self.locks), withIntermediateDirectories: true,
                attributes: [.posixPermissions: 0o700])
        } catch {
            throw ReportsError(.cacheUnwritable, "cannot make the cache directory \(directory.path): give another")
        }
    }

    static func key(model: String, text: String) -> SHA256Digest {
        var hasher = SHA256Hasher()
        // Lengths in front keep different parts from running into one.
        for part in [Prompt.version, model, text] {
            hasher.update(Data("\(part.utf8.count):".utf8))
            hasher.update(Data(part.utf8))
        }
        return hasher.finalize()
    }

    /// The answer kept under `key`; a file that is no valid answer counts as none.
    func answer(for key: SHA256Digest) -> ModelAnswer? {
        guard let data = try? Data(contentsOf: file(key)) else { return nil }
        return try? ModelAnswer.read(content: data)
    }

    func keep(_ answer: ModelAnswer, for key: SHA256Digest) throws {
        let target = file(key)
        let temporary = directory.appendingPathComponent(".\(key.hex).\(UUID().uuidString)")
        do {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys]
            let data = try encoder.encode(NullsWritten(answer))
            guard FileManager.default.createFile(atPath: temporary.path, contents: data, attributes: [.posixPermissions: 0o600]) else {
                throw CocoaError(.fileWriteUnknown)
            }
            guard rename(temporary.path, target.path) == 0 else { throw CocoaError(.fileWriteUnknown) }
        } catch {
            try? FileManager.default.removeItem(at: temporary)
            throw ReportsError(.cacheUnwritable, "cannot write to the cache \(directory.path): is the disk full?")
        }
    }

    /// The right to ask for one answer; it ends with the process at the latest.
    final class Claim: Sendable {
        private let descriptor: Int32

        fileprivate init(descriptor: Int32) { self.descriptor = descriptor }

        /// Ends with the last use; this is one.
        func end() {}

        deinit { Glibc.close(descriptor) }
    }

    /// Waits until nobody else, in this process or another, asks for the answer under `key`.
    ///
    /// - Parameter sleep: waits so many seconds.
    /// - Throws: `cacheUnwritable`, and what `sleep` throws.
    func claim(_ key: SHA256Digest, sleep: (Double) async throws -> Void) async throws -> Claim {
        // A few files for all keys: none is ever removed, which could not be done without a race.
        let path = directory.appendingPathComponent(Self.locks).appendingPathComponent(String(key.hex.prefix(2))).path
        let descriptor = open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw ReportsError(.cacheUnwritable, "cannot write to the cache \(directory.path)") }
        let claim = Claim(descriptor: descriptor)
        while flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
            guard errno == EWOULDBLOCK || errno == EINTR else {
                throw ReportsError(.cacheUnwritable, "the cache \(directory.path) cannot be locked: is it on a network disk?")
            }
            try await sleep(Self.pause)
        }
        return claim
    }

    private static let locks = ".asking"
    /// Seconds between looks at whether another has its answer.
    private static let pause = 0.2

    private func file(_ key: SHA256Digest) -> URL { directory.appendingPathComponent(key.hex + ".json") }

    /// Nulls written out: an answer without them would be refused on reading.
    private struct NullsWritten: Encodable {
        let answer: ModelAnswer
        init(_ answer: ModelAnswer) { self.answer = answer }

        func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: ModelAnswer.CodingKeys.self)
            try container.encode(answer.polyp, forKey: .polyp)
            try container.encode(answer.count, forKey: .count)
            try container.encode(answer.sites, forKey: .sites)
            try container.encode(answer.maxSizeMillimetres, forKey: .maxSizeMillimetres)
            try container.encode(answer.morphology, forKey: .morphology)
            try container.encode(answer.confidence, forKey: .confidence)
            try container.encode(answer.quote, forKey: .quote)
        }
    }
}
