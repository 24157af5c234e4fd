/// What PostgreSQL, or the way to it, refused. The description never holds a password, nor the values of a row
/// (PostgreSQL's DETAIL is not kept).
public struct PostgreSQLError: Error, Sendable, CustomStringConvertible {
    /// The kind of error; new kinds may be added.
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        private enum Base: String, Hashable, Sendable {
            case invalidConnectionString, unreachable, authenticationFailed, unknownDatabase, starting, shuttingDown
            case connectionLost, serializationFailure, deadlock, lockTimeout, statementTimeout, uniqueViolation
            case foreignKeyViolation, constraintViolation, invalidValue, undefinedObject, readOnly, diskFull
            case inputOutput, permissionDenied, unexpectedValue, notInstalled, privateServer, misuse, other
        }
        private let base: Base
        private init(_ base: Base) { self.base = base }

        public static let invalidConnectionString = Self(.invalidConnectionString)
        /// Nobody answers at the host or socket.
        public static let unreachable = Self(.unreachable)
        /// Wrong user or password, or no rule in pg_hba.conf that lets this user in.
        public static let authenticationFailed = Self(.authenticationFailed)
        public static let unknownDatabase = Self(.unknownDatabase)
        /// The server is up but not ready, or has no connection to spare.
        public static let starting = Self(.starting)
        /// The server is going down, or an administrator ended the session.
        public static let shuttingDown = Self(.shuttingDown)
        /// The connection broke; whether the statement was carried out is not known.
        public static let connectionLost = Self(.connectionLost)
        public static let serializationFailure = Self(.serializationFailure)
        public static let deadlock = Self(.deadlock)
        public static let lockTimeout = Self(.lockTimeout)
        /// `statement_timeout` ended it, or somebody cancelled it.
        public static let statementTimeout = Self(.statementTimeout)
        public static let uniqueViolation = Self(.uniqueViolation)
        public static let foreignKeyViolation = Self(.foreignKeyViolation)
        /// Another rule of class 23: not null, check, exclusion.
        public static let constraintViolation = Self(.constraintViolation)
        /// A value that its type refuses (class 22: bad JSON, NUL in text, number out of range), or that is too large for
        /// an index (54000).
        public static let invalidValue = Self(.invalidValue)
        /// No such table, column or function.
        public static let undefinedObject = Self(.undefinedObject)
        /// A write on a standby or in a read-only session.
        public static let readOnly = Self(.readOnly)
        /// The server has no room left: disk, memory or another resource.
        public static let diskFull = Self(.diskFull)
        /// The server's disk or operating system failed it: class 58.
        public static let inputOutput = Self(.inputOutput)
        /// This user may not do that.
        public static let permissionDenied = Self(.permissionDenied)
        /// A column was read as another type than it has, or held NULL.
        public static let unexpectedValue = Self(.unexpectedValue)
        /// No PostgreSQL server is installed on this machine.
        public static let notInstalled = Self(.notInstalled)
        /// A private server could not be made, started or stopped.
        public static let privateServer = Self(.privateServer)
        /// The program used this room wrongly: a transaction within a transaction, for one.
        public static let misuse = Self(.misuse)
        public static let other = Self(.other)

        public var description: String { base.rawValue }
    }

    public var code: Code
    /// What was wrong, where, and what to do.
    public var message: String
    /// The five characters of SQLSTATE, where the server gave one.
    public var sqlState: String?
    /// The constraint that was broken, where there was one.
    public var constraint: String?

    public init(_ code: Code, _ message: String, sqlState: String? = nil, constraint: String? = nil) {
        self.code = code
        self.message = message
        self.sqlState = sqlState
        self.constraint = constraint
    }

    /// Whether the same work may succeed when it is repeated, perhaps on a new connection, after a pause.
    public var isTransient: Bool {
        switch code {
        case .unreachable, .starting, .shuttingDown, .connectionLost, .serializationFailure, .deadlock, .lockTimeout,
            .statementTimeout:
            true
        default: false
        }
    }

    /// Whether the server's surroundings refused, and not the values or the statement: whoever has the time waits until
    /// it is mended (a disk is full, a password was changed) and then does the same again.
    public var isOfTheSurroundings: Bool {
        switch code {
        case .diskFull, .inputOutput, .readOnly, .permissionDenied, .authenticationFailed, .unknownDatabase: true
        // Statements that are wrong stay wrong: not supported, cardinality, routines, syntax, PL/pgSQL.
        case .other: !["0A", "21", "2F", "42", "P0"].contains(sqlState?.prefix(2) ?? "")
        default: isTransient
        }
    }

    /// Whether a row or value broke a rule of the schema: repeating it cannot help.
    public var isRefusedValue: Bool {
        switch code {
        case .uniqueViolation, .foreignKeyViolation, .constraintViolation, .invalidValue: true
        default: false
        }
    }

    public var description: String {
        "PostgreSQL: " + message + (sqlState.map { " (SQLSTATE \($0))" } ?? "")
            + (constraint.map { " (constraint \($0))" } ?? "")
    }
}

extension PostgreSQLError.Code {
    /// The kind of an SQLSTATE (PostgreSQL's documentation, appendix A).
    init(sqlState: String) {
        self =
            switch sqlState {
            case "40001": .serializationFailure
            case "40P01": .deadlock
            case "55P03": .lockTimeout
            case "57014": .statementTimeout
            case "57P01", "57P02", "57P05", "25P03": .shuttingDown
            case "57P03", "53300": .starting
            case "23505": .uniqueViolation
            case "23503": .foreignKeyViolation
            case "25006": .readOnly
            case "28P01", "28000": .authenticationFailed
            case "3D000": .unknownDatabase
            case "57P04": .unknownDatabase
            case "42501": .permissionDenied
            case "54000": .invalidValue
            case "42P01", "42703", "42883", "42704", "3F000": .undefinedObject
            default:
                switch sqlState.prefix(2) {
                case "08": .connectionLost
                case "22": .invalidValue
                case "23": .constraintViolation
                case "40": .serializationFailure
                case "53": .diskFull
                case "58": .inputOutput
                default: .other
                }
            }
    }
}
