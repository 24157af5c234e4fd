import CZeroMQ
import Synchronization

/// One libzmq context: the I/O thread that sockets share. The sockets made from it keep it alive.
public final class Context: Sendable {
    // Sendable: libzmq documents contexts as thread safe, and the pointer is set once and freed in deinit.
    private nonisolated(unsafe) let pointer: UnsafeMutableRawPointer

    /// - Throws: `ZeroMQError.missingFeature` when the installed libzmq has no CURVE.
    public init(inputOutputThreads: Int = 1) throws(ZeroMQError) {
        guard zmq_has("curve") == 1 else {
            throw ZeroMQError(
                .missingFeature, "libzmq was built without CURVE; install Debian's libzmq5, which has it")
        }
        guard let made = zmq_ctx_new() else { throw ZeroMQError.last("zmq_ctx_new") }
        pointer = made
        zmq_ctx_set(made, ZMQ_IO_THREADS, Int32(clamping: inputOutputThreads))
        zmq_ctx_set(made, ZMQ_BLOCKY, 0)
    }

    deinit {
        // Every socket holds the context, so all of them are closed here and this returns after their LINGER.
        while zmq_ctx_term(pointer) == -1, zmq_errno() == EINTR {}
    }

    func makeSocket(_ type: Int32) throws(ZeroMQError) -> UnsafeMutableRawPointer {
        guard let socket = zmq_socket(pointer, type) else { throw ZeroMQError.last("zmq_socket") }
        return socket
    }

    /// Version of the library that is loaded, such as `4.3.4`.
    public static var libraryVersion: String {
        var (major, minor, patch): (Int32, Int32, Int32) = (0, 0, 0)
        zmq_version(&major, &minor, &patch)
        return "\(major).\(minor).\(patch)"
    }
}
