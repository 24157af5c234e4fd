/// What went wrong between coordinator, workers and clients.
public struct ClusterError: Error, Sendable, Hashable, CustomStringConvertible {
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        private enum Base: String, Sendable {
            case configuration, refused, timeout, unreachable, ledger, missingContent, cancelled, invalid, stuckSlot
        }
        private let base: Base
        private init(_ base: Base) { self.base = base }

        /// The program was started with something that cannot work.
        public static let configuration = Self(.configuration)
        /// The other side does not accept us: version, identity, stages; or a request was refused.
        public static let refused = Self(.refused)
        /// No answer came in time.
        public static let timeout = Self(.timeout)
        /// There is no connection.
        public static let unreachable = Self(.unreachable)
        /// The ledger said something that a pause does not mend.
        public static let ledger = Self(.ledger)
        /// A content that a shard names is nowhere to be had, or is not what its digest says.
        public static let missingContent = Self(.missingContent)
        /// The shard's lease was lost, or the program stops.
        public static let cancelled = Self(.cancelled)
        /// Stored or received values that make no sense.
        public static let invalid = Self(.invalid)

        /// A slot of this worker does not return: only a new process frees it.
        public static let stuckSlot = Self(.stuckSlot)

        public var description: String { base.rawValue }
    }

    public var code: Code
    public var message: String

    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    public var description: String { message }
}
