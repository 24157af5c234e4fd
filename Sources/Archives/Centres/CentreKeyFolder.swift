import Digest
import Foundation

/// Where a host keeps the keys of its centres: `<centre>.key`, 64 hexadecimal digits, readable by its owner alone.
///
/// A key is made when it is first asked for. Hosts of one centre that are to give a patient the same key get the same file.
public struct CentreKeyFolder: Sendable {
    public let folder: URL

    public init(_ folder: URL) { self.folder = folder.standardizedFileURL }

    /// The centre's key, made and kept if there is none yet; several processes may ask at once.
    /// - Throws: `ArchiveError` when it is there and is none, or cannot be read or written.
    public func key(ofCentre centre: String) throws -> CentreKey {
        let file = try SafeName.place([try SafeName.fileName(centre, ".key")], within: folder, making: true)
        if let key = try read(file) { return key }
        let key = CentreKey()
        let hex = key.bytes.map { $0 < 16 ? "0" + String($0, radix: 16) : String($0, radix: 16) }.joined()
        // Linked under its name once it is whole: whoever comes second finds the first one's.
        let draft = folder.appendingPathComponent(".key-\(UUID().uuidString)")
        defer { unlink(draft.path) }
        do {
            try ExclusiveFile.create(draft, holding: Data((hex + "\n").utf8))
        } catch {
            throw ArchiveError(.unwritable, "a key cannot be written to \(folder.path): \(error.message)")
        }
        guard link(draft.path, file.path) == 0 else {
            let reason = errno
            if reason == EEXIST, let key = try read(file) { return key }
            throw ArchiveError(.unwritable, "a key cannot be written to \(folder.path): \(String(cString: strerror(reason)))")
        }
        return key
    }

    /// Nil when there is no file.
    private func read(_ file: URL) throws -> CentreKey? {
        guard access(file.path, F_OK) == 0 else {
            guard errno == ENOENT else {
                throw ArchiveError(.unreadable, "the key \(file.path) cannot be read: \(String(cString: strerror(errno)))")
            }
            return nil
        }
        guard let data = FileManager.default.contents(atPath: file.path) else {
            throw ArchiveError(.unreadable, "the key \(file.path) cannot be read: may this user?")
        }
        let text = String(decoding: data, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
        guard let digest = SHA256Digest(hex: text), let key = CentreKey(bytes: digest.bytes) else {
            throw ArchiveError(
                .unreadable, "the key \(file.path) is not 64 hexadecimal digits: restore it, or remove it to have a new one")
        }
        return key
    }
}
