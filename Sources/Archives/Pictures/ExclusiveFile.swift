import Foundation

/// Files that their owner alone may read.
enum ExclusiveFile {
    struct Failure: Error {
        var message: String
        init(_ code: Int32) { message = String(cString: strerror(code)) }
    }

    /// Makes a file that is not there yet, and brings it to the disk.
    static func create(_ file: URL, holding data: Data) throws(Failure) {
        let descriptor = open(file.path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw Failure(errno) }
        defer { close(descriptor) }
        let failure = data.withUnsafeBytes { buffer -> Int32 in
            var written = 0
            while written < buffer.count {
                let count = write(descriptor, buffer.baseAddress?.advanced(by: written), buffer.count - written)
                if count < 0 {
                    if errno == EINTR { continue }
                    return errno
                }
                written += count
            }
            return fsync(descriptor) == 0 ? 0 : errno
        }
        guard failure == 0 else {
            unlink(file.path)
            throw Failure(failure)
        }
    }

    /// Writes beside `file` and renames: what is there is whole.
    static func replace(_ file: URL, with data: Data) throws(Failure) {
        let draft = file.deletingLastPathComponent().appendingPathComponent(".picture-\(UUID().uuidString)")
        try create(draft, holding: data)
        guard rename(draft.path, file.path) == 0 else {
            let code = errno
            unlink(draft.path)
            throw Failure(code)
        }
    }
}
