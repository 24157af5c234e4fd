import CZeroMQ

/// What went wrong in the messaging library, where, and what to do about it.
public struct ZeroMQError: Error, Sendable, CustomStringConvertible {
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        private enum Base: String, Sendable {
            case endpoint = "endpoint"
            case unresolved = "unresolved"
            case addressInUse = "address-in-use"
            case plaintextRefused = "plaintext-refused"
            case missingFeature = "missing-feature"
            case key = "key"
            case contextTerminated = "context-terminated"
            case system = "system"
        }
        private let base: Base
        private init(_ base: Base) { self.base = base }

        /// The text is not an endpoint that this program speaks.
        public static let endpoint = Self(.endpoint)
        /// A host's name has no address.
        public static let unresolved = Self(.unresolved)
        /// Another process listens there.
        public static let addressInUse = Self(.addressInUse)
        /// The endpoint can be reached by other hosts, and no key protects it.
        public static let plaintextRefused = Self(.plaintextRefused)
        /// The installed libzmq was built without something that is needed.
        public static let missingFeature = Self(.missingFeature)
        /// A CURVE key is not one, or must not be used.
        public static let key = Self(.key)
        /// The context was closed while a socket was in use.
        public static let contextTerminated = Self(.contextTerminated)
        /// Anything else that libzmq reported.
        public static let system = Self(.system)

        public var description: String { base.rawValue }
    }

    public var code: Code
    public var message: String
    /// The library's error number, 0 where it did not speak.
    public var errorNumber: Int32

    public init(_ code: Code, _ message: String, errorNumber: Int32 = 0) {
        self.code = code
        self.message = message
        self.errorNumber = errorNumber
    }

    public var description: String { message }

    /// The error that the calling thread's last libzmq call left.
    static func last(_ operation: String, _ subject: String = "") -> ZeroMQError {
        let number = zmq_errno()
        let reason = zmq_strerror(number).map { String(cString: $0) } ?? "error \(number)"
        let place = subject.isEmpty ? "" : " \(subject)"
        switch number {
        case EADDRINUSE:
            return ZeroMQError(
                .addressInUse, "\(operation)\(place): another process listens there; stop it or choose another port",
                errorNumber: number)
        case EACCES, EPERM:
            return ZeroMQError(
                .endpoint,
                "\(operation)\(place): not allowed (\(reason)); take a port from 1024 on, or a socket in a folder that you may write",
                errorNumber: number)
        case ENOENT, ENOTDIR:
            return ZeroMQError(
                .endpoint, "\(operation)\(place): the folder of this socket does not exist; make it first", errorNumber: number)
        case endoked_zmq_eterm():
            return ZeroMQError(.contextTerminated, "\(operation)\(place): the context was closed", errorNumber: number)
        case ENODEV, EADDRNOTAVAIL:
            return ZeroMQError(
                .endpoint, "\(operation)\(place): this host has no such address; `ip address` shows those it has, and * means all",
                errorNumber: number)
        default:
            return ZeroMQError(.system, "\(operation)\(place): \(reason)", errorNumber: number)
        }
    }
}

/// The one place where a libzmq return code becomes an error.
@discardableResult
func check(_ result: Int32, _ operation: String, _ subject: @autoclosure () -> String = "") throws(ZeroMQError) -> Int32 {
    guard result != -1 else { throw ZeroMQError.last(operation, subject()) }
    return result
}
