/// Why a message was not understood. It says where, and never repeats what the message carried.
public struct WireError: Error, Sendable, Hashable, CustomStringConvertible {
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        private enum Base: String, Sendable {
            case malformed = "malformed"
            case version = "version"
            case tooLarge = "too-large"
        }
        private let base: Base
        private init(_ base: Base) { self.base = base }

        /// The bytes are not a message of this protocol.
        public static let malformed = Self(.malformed)
        /// It is a message of another version of the protocol.
        public static let version = Self(.version)
        /// It goes beyond a limit of the protocol.
        public static let tooLarge = Self(.tooLarge)

        public var description: String { base.rawValue }
    }

    public var code: Code
    public var message: String

    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    public var description: String { "wire: \(message)" }
}

/// The protocol's version and limits, the same on both sides.
public enum WireProtocol {
    public static let version: UInt32 = 1
    /// The largest piece of content in one payload frame.
    public static let pieceSizeInBytes = 1 << 20
    /// Pieces asked for in one message.
    public static let pieceCount = 64
    /// The largest header frame. Rows and records of a result travel in it.
    public static let headerSizeInBytes = 12 << 20
    /// The most that one shard or one result takes of a header.
    public static let shardSizeInBytes = headerSizeInBytes - 4096
    /// From this size on, shards or results are sent in several messages.
    public static let batchSizeInBytes = 4 << 20
    /// The longest list in one message.
    public static let listCount = 65_536
    /// The longest name (worker, centre, stage, shard key).
    public static let nameSizeInBytes = 1024
    /// The longest text for people.
    public static let textSizeInBytes = 16_384
    /// The largest record of a shard (`ShardOutput.record`).
    public static let recordSizeInBytes = 256 << 10
    /// The largest content that is moved, in bytes.
    public static let contentSizeInBytes: UInt64 = 4 << 30

    /// Whether a text may stand where the protocol has a name: not empty, not too long, without control characters.
    public static func isName(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.count <= nameSizeInBytes
            && text.unicodeScalars.allSatisfy { $0.value >= 32 && $0.value != 127 }
    }
}
