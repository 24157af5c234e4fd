import Digest
import Foundation

/// Answers kept by content: the same model, prompt and de-identified text is asked once.
///
/// One file an answer, named by the SHA-256 of what was asked, written beside and renamed into place: a crash leaves
/// no half answer. The files hold the answer only, never the report.
struct AnswerCache: Sendable {
    let directory: URL

    /// - Throws: `cacheUnwritable` when the directory cannot be made.
    init(directory: URL) throws {
        self.directory = directory
        do {
            try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
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
            try encoder.encode(NullsWritten(answer)).write(to: temporary)
            guard rename(temporary.path, target.path) == 0 else { throw CocoaError(.fileWriteUnknown) }
        } catch {
            try? FileManager.default.removeItem(at: temporary)
            throw ReportsError(.cacheUnwritable, "cannot write to the cache \(directory.path): is the disk full?")
        }
    }

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
