import Foundation

/// Keeps two programs from preparing one folder at the same time. The system lets go of it when the program dies.
struct FolderLock {
    private let descriptor: Int32

    /// Waits until nobody else holds the lock.
    init(_ file: URL) throws {
        descriptor = open(file.path, O_CREAT | O_RDWR | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw PostgreSQLError(.privateServer, "\(file.path) cannot be opened: \(String(cString: strerror(errno)))")
        }
        while flock(descriptor, LOCK_EX) != 0 {
            guard errno == EINTR else {
                close(descriptor)
                throw PostgreSQLError(.privateServer, "\(file.path) cannot be locked: \(String(cString: strerror(errno)))")
            }
        }
    }

    func release() { close(descriptor) }
}
