import Foundation

/// Reading and writing whole files, with errors that name them.
enum ImageFile {
    static func open(_ url: URL) throws -> FileHandle {
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: url.path, isDirectory: &isFolder) else {
            throw ImagingError(.unreadableFile, "there is no such file")
        }
        guard !isFolder.boolValue else { throw ImagingError(.unreadableFile, "this is a folder, not a picture") }
        // A pipe would be waited for.
        var status = stat()
        guard stat(url.path, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw ImagingError(.unreadableFile, "this is no plain file, or it may not be looked at")
        }
        return try FileHandle(forReadingFrom: url)
    }

    static func read(_ url: URL) throws -> Data {
        do {
            let handle = try open(url)
            defer { try? handle.close() }
            return try handle.readToEnd() ?? Data()
        } catch {
            throw named(error, url)
        }
    }

    /// Writes to a neighbour first and renames it: a reader sees the old file or the new one, never a part.
    static func write(_ data: Data, to url: URL) throws {
        let neighbour = url.deletingLastPathComponent()
            .appendingPathComponent(".\(url.lastPathComponent).\(UUID().uuidString).part")
        do {
            try data.write(to: neighbour)
        } catch {
            try? FileManager.default.removeItem(at: neighbour)
            throw ImagingError(.unwritableFile, "could not be written: \(reason(error))", file: url.path)
        }
        guard rename(neighbour.path, url.path) == 0 else {
            let why = String(cString: strerror(errno))
            try? FileManager.default.removeItem(at: neighbour)
            throw ImagingError(.unwritableFile, "could not be put in place: \(why)", file: url.path)
        }
    }

    /// The error with the file's name in it.
    static func named(_ error: any Error, _ url: URL) -> ImagingError {
        guard var known = error as? ImagingError else {
            return ImagingError(.unreadableFile, "could not be read: \(reason(error))", file: url.path)
        }
        known.file = known.file ?? url.path
        return known
    }

    /// The system's own words where there are any: Foundation's description of a full disk says little.
    private static func reason(_ error: any Error) -> String {
        let underlying = (error as NSError).userInfo[NSUnderlyingErrorKey] as? NSError
        if let underlying, underlying.domain == NSPOSIXErrorDomain {
            return String(cString: strerror(Int32(underlying.code)))
        }
        return error.localizedDescription
    }
}
