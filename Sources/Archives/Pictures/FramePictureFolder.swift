import Digest
import Foundation

/// Where a worker keeps the pictures that show patients' frames, on its own host:
/// `<job>/<kind>/<centre>/<study>/<image>.png`, for their owner's eyes alone.
public struct FramePictureFolder: Sendable {
    /// What a picture is called: nothing of what it shows.
    public struct Name: Sendable, Hashable {
        public var job: Int64
        public var kind: String
        public var centre: String
        public var study: String
        public var image: String

        public init(job: Int64, kind: String, centre: String, study: String, image: String) {
            self.job = job
            self.kind = kind
            self.centre = centre
            self.study = study
            self.image = image
        }

        func components() throws -> [String] { ["\(job)", kind, centre, study, try SafeName.fileName(image, ".png")] }
    }

    public let folder: URL

    public init(_ folder: URL) { self.folder = folder.standardizedFileURL }

    /// Makes the folder, if need be.
    /// - Throws: `ArchiveError` when nothing can be written there.
    public func prepare() throws {
        _ = try SafeName.place(["probe"], within: folder, making: true)
        let probe = folder.appendingPathComponent(".writable-\(UUID().uuidString)")
        do { try ExclusiveFile.create(probe, holding: Data()) } catch {
            throw ArchiveError(.unwritable, "pictures cannot be written to \(folder.path): \(error.message)")
        }
        unlink(probe.path)
    }

    /// Keeps a picture; the same name again takes its place.
    /// - Throws: `ArchiveError` when it cannot be written, or the name would lead out of the folder.
    public func write(_ png: Data, _ name: Name) throws {
        let file = try SafeName.place(name.components(), within: folder, making: true)
        do { try ExclusiveFile.replace(file, with: png) } catch {
            throw ArchiveError(.unwritable, "a picture cannot be written: \(error.message)")
        }
    }

    /// The picture, if this host has it.
    /// - Throws: `ArchiveError` when it is there and cannot be read, or the name would lead out of the folder.
    public func read(_ name: Name) throws -> Data? {
        let file = try SafeName.place(name.components(), within: folder)
        if let data = FileManager.default.contents(atPath: file.path) { return data }
        guard access(file.path, F_OK) != 0, errno == ENOENT else {
            throw ArchiveError(.unreadable, "a picture in \(folder.path) cannot be read: may this user?")
        }
        return nil
    }
}
