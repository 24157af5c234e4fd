import PostgreSQL

/// What went wrong in the ledger. The description never holds report text, patient keys or the database's password.
public struct LedgerError: Error, Sendable, CustomStringConvertible {
    /// The kind of error; new kinds may be added.
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        private enum Base: String, Hashable, Sendable {
            case notLeader, schemaTooNew, schemaChanged, schemaMissing, unavailable, unknownJob, unknownShard, invalid
            case missingBlob, corruptBlob, database
        }
        private let base: Base
        private init(_ base: Base) { self.base = base }

        /// This ledger holds no leadership, or another coordinator took it over: nothing was written.
        public static let notLeader = Self(.notLeader)
        /// The database's schema is newer than this program knows: use the newer program.
        public static let schemaTooNew = Self(.schemaTooNew)
        /// A migration that was applied differs from the one in this program.
        public static let schemaChanged = Self(.schemaChanged)
        /// The database holds no ledger yet, or an older one: `migrate()` must run first.
        public static let schemaMissing = Self(.schemaMissing)
        /// PostgreSQL is out of reach, restarting, or the transaction lost a conflict: the same call may be repeated.
        public static let unavailable = Self(.unavailable)
        public static let unknownJob = Self(.unknownJob)
        public static let unknownShard = Self(.unknownShard)
        /// The caller's values were refused.
        public static let invalid = Self(.invalid)
        /// A blob that was named is not in the ledger, or was pruned.
        public static let missingBlob = Self(.missingBlob)
        /// A blob's bytes do not have the digest that names them.
        public static let corruptBlob = Self(.corruptBlob)
        /// PostgreSQL refused; `underlying` says why.
        public static let database = Self(.database)

        public var description: String { base.rawValue }
    }

    public var code: Code
    /// What was wrong, where, and what to do.
    public var message: String
    /// PostgreSQL's own error, where it was one.
    public var underlying: PostgreSQLError?

    public init(_ code: Code, _ message: String, underlying: PostgreSQLError? = nil) {
        self.code = code
        self.message = message
        self.underlying = underlying
    }

    /// Whether the same call may succeed when repeated after a pause.
    public var isTransient: Bool { code == .unavailable }

    /// What must change before the same call can succeed.
    public enum Cause: Sendable {
        /// The term is over, or the schema is not this program's: only another coordinator can go on.
        case leadership
        /// The values that were given, or what they name: repeating the call with them cannot help.
        case values
        /// Connections, disk, memory, rights, a cancelled statement: nobody's work is at fault, and the same call may be
        /// repeated until they are mended.
        case surroundings
    }

    /// The one place that tells the work's own failures from those of its surroundings.
    public var cause: Cause {
        switch code {
        case .notLeader, .schemaTooNew, .schemaChanged, .schemaMissing: .leadership
        case .unavailable: .surroundings
        case .database: underlying?.isOfTheSurroundings == true ? .surroundings : .values
        default: .values
        }
    }

    public var description: String { "ledger: \(message)" }
}
