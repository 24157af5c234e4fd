import Foundation
import Synchronization

/// A log file that is appended to and never grows without bound: when it is full it becomes FILE.1, what was FILE.1 becomes
/// FILE.2, and so on; the oldest goes. Whoever else moves the file away (logrotate) is noticed.
public final class RotatingLog: Sendable {
    public static let defaultSizeInBytes = 10 << 20
    public static let defaultFiles = 3

    private let path: String
    private let sizeInBytes: Int
    private let files: Int
    private let descriptor: Mutex<Int32>

    /// - Parameters:
    ///   - sizeInBytes: when a file is full; the last line may go over it.
    ///   - files: how many there are at most, the current one among them.
    /// - Throws: `ClusterError.configuration` where the file cannot be written.
    public init(
        _ path: String, sizeInBytes: Int = RotatingLog.defaultSizeInBytes, files: Int = RotatingLog.defaultFiles
    ) throws {
        (self.path, self.sizeInBytes, self.files) = (path, sizeInBytes, max(1, files))
        let opened = Self.open(path)
        guard opened >= 0 else {
            throw ClusterError(.configuration, "cannot write the log \(path): \(String(cString: strerror(errno)))")
        }
        descriptor = Mutex(opened)
    }

    deinit { descriptor.withLock { _ = close($0) } }

    /// Appends a line. One that cannot be written is lost: work does not end for its log.
    public func write(_ line: String) {
        let bytes = Array((line + "\n").utf8)
        descriptor.withLock { descriptor in
            var current = stat()
            var named = stat()
            guard fstat(descriptor, &current) == 0 else { return }
            if stat(path, &named) != 0 || named.st_ino != current.st_ino || named.st_dev != current.st_dev {
                // Another took it away, or another process of this file was first to turn it.
                Self.replace(&descriptor, by: path)
            } else if Int(current.st_size) >= sizeInBytes {
                turn()
                Self.replace(&descriptor, by: path)
            }
            var start = 0
            while start < bytes.count {
                let count = bytes[start...].withUnsafeBytes { Foundation.write(descriptor, $0.baseAddress, $0.count) }
                if count < 0, errno == EINTR { continue }
                guard count > 0 else { return }
                start += count
            }
        }
    }

    /// Moves the files on by one.
    private func turn() {
        if files == 1 {
            unlink(path)
            return
        }
        for number in stride(from: files - 1, to: 1, by: -1) { rename("\(path).\(number - 1)", "\(path).\(number)") }
        rename(path, "\(path).1")
    }

    /// What cannot be opened leaves the former file in use.
    private static func replace(_ descriptor: inout Int32, by path: String) {
        let opened = open(path)
        guard opened >= 0 else { return }
        close(descriptor)
        descriptor = opened
    }

    private static func open(_ path: String) -> Int32 {
        Foundation.open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0o640)
    }
}
