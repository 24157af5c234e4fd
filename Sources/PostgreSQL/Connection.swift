import CPostgres
import Foundation

/// One session with PostgreSQL. Every call blocks the thread that makes it, so it must not be made on Swift's
/// cooperative pool. It is not Sendable: the compiler sees to it that one thread at a time uses it.
///
/// Statements are literals (`StaticString`), values travel beside them: SQL is never put together from strings.
public final class Connection {
    /// Time limits of a session; each guards against one way to wait for ever.
    public struct Limits: Sendable {
        public var connect: Duration = .seconds(10)
        public var statement: Duration = .seconds(60)
        public var lock: Duration = .seconds(10)
        public var idleInTransaction: Duration = .seconds(30)

        public init() {}
    }

    let handle: OpaquePointer
    /// Names of the statements prepared in this session, by the address of their literal.
    private var prepared: [UInt: String] = [:]
    private var isInTransaction = false
    /// Whether a transaction could not be ended: the session would refuse whatever comes next.
    private var isSpoiled = false

    /// Connects and sets the session's limits.
    ///
    /// - Parameters:
    ///   - connectionString: a URI or key-value string of libpq; several hosts are tried in turn.
    ///   - isReadOnly: whether the server must refuse writes of this session.
    public init(
        connectionString: String, applicationName: String = "endoked", isReadOnly: Bool = false, limits: Limits = Limits()
    ) throws {
        handle = try Self.connect(connectionString, applicationName: applicationName, within: limits.connect)
        // From here on `deinit` closes the handle, also when this throws. Plans are made for the values at hand: the
        // general plan of a LIMIT or of a table that was empty at first reads whole tables. What is hot is in
        // memory, where a page costs the same wherever it lies.
        try execute(
            """
            SELECT set_config('statement_timeout', $1, false), set_config('lock_timeout', $2, false),
                set_config('idle_in_transaction_session_timeout', $3, false),
                set_config('default_transaction_read_only', $4, false),
                set_config('client_min_messages', 'error', false),
                set_config('plan_cache_mode', 'force_custom_plan', false),
                set_config('random_page_cost', '1.1', false)
            """,
            [
                .text(limits.statement.inMilliseconds), .text(limits.lock.inMilliseconds),
                .text(limits.idleInTransaction.inMilliseconds), .text(isReadOnly ? "on" : "off"),
            ])
    }

    deinit { PQfinish(handle) }

    /// Whether libpq still believes in the connection, and no transaction hangs in it that could not be ended.
    public var isUsable: Bool { PQstatus(handle) == CONNECTION_OK && !isSpoiled }

    /// The server's version, as 150004 for 15.4.
    public var serverVersion: Int { Int(PQserverVersion(handle)) }

    /// The number of the server's process for this session.
    public var backendProcess: Int32 { PQbackendPID(handle) }

    /// Runs one statement with its values and returns its rows. It is prepared at its first use and kept.
    @discardableResult
    public func execute(_ sql: StaticString, _ parameters: [Parameter] = []) throws -> Rows {
        let name = try statementName(of: sql, parameters)
        return try parameters.withLibpqArrays { values, lengths, formats in
            try check(
                PQexecPrepared(handle, name, Int32(parameters.count), values, lengths, formats, 1),
                doing: sql.description)
        }
    }

    /// Runs a script of several statements, without values, in one transaction of its own unless one is open.
    /// For migrations only: the script comes with the program.
    public func executeScript(_ script: String) throws {
        _ = try check(PQexec(handle, script), doing: script)
    }

    /// Runs `body` between BEGIN and COMMIT; an error rolls back and is passed on.
    ///
    /// When the connection breaks at COMMIT it is not known whether the transaction took effect: the error is
    /// `.connectionLost`, and what `body` does must be harmless when repeated.
    public func transaction<R>(_ body: () throws -> R) throws -> R {
        guard !isInTransaction else { throw PostgreSQLError(.misuse, "a transaction is open already") }
        try execute("BEGIN")
        isInTransaction = true
        defer {
            isInTransaction = false
            // A ROLLBACK that was itself cancelled leaves the session within a dead transaction.
            if PQtransactionStatus(handle) != PQTRANS_IDLE { isSpoiled = true }
        }
        let value: R
        do {
            value = try body()
        } catch {
            // The error that matters is the first; a failing ROLLBACK means a broken connection, which shows next.
            if isUsable { _ = try? execute("ROLLBACK") }
            throw error
        }
        try execute("COMMIT")
        return value
    }

    /// Runs `body` behind a savepoint within a transaction; an error undoes what it did, and only that.
    public func savepoint<R>(_ body: () throws -> R) throws -> R {
        guard isInTransaction else { throw PostgreSQLError(.misuse, "a savepoint needs a transaction") }
        try execute("SAVEPOINT attempt")
        do {
            let value = try body()
            try execute("RELEASE SAVEPOINT attempt")
            return value
        } catch {
            if isUsable { try execute("ROLLBACK TO SAVEPOINT attempt") }
            throw error
        }
    }

    private func statementName(of sql: StaticString, _ parameters: [Parameter]) throws -> String {
        guard sql.hasPointerRepresentation else {
            throw PostgreSQLError(.misuse, "a statement of one character")
        }
        let key = UInt(bitPattern: sql.utf8Start)
        if let name = prepared[key] { return name }
        let name = "s\(prepared.count + 1)"
        let types = parameters.map { Oid($0.type) }
        let text = sql.description
        _ = try check(PQprepare(handle, name, text, Int32(types.count), types), doing: text)
        prepared[key] = name
        return name
    }

    /// The one place where libpq's answer becomes rows or an error.
    private func check(_ result: OpaquePointer?, doing statement: String) throws -> Rows {
        guard let result else {
            throw PostgreSQLError(
                isUsable ? .other : .connectionLost, "no answer to \(Self.excerpt(statement)): \(lastMessage)")
        }
        let rows = Rows(owning: result)
        switch PQresultStatus(result) {
        case PGRES_COMMAND_OK, PGRES_TUPLES_OK, PGRES_EMPTY_QUERY:
            return rows
        default:
            throw error(in: result, doing: statement)
        }
    }

    private func error(in result: OpaquePointer, doing statement: String) -> PostgreSQLError {
        func field(_ code: Character) -> String? {
            guard let ascii = code.asciiValue, let text = PQresultErrorField(result, Int32(ascii)) else { return nil }
            return String(cString: text)
        }
        let sqlState = field("C")
        let primary = (field("M") ?? lastMessage).split(whereSeparator: \.isNewline).joined(separator: " ")
        var code = sqlState.map(PostgreSQLError.Code.init(sqlState:)) ?? .other
        if !isUsable, code != .shuttingDown { code = .connectionLost }
        return PostgreSQLError(
            code, "\(primary), in \(Self.excerpt(statement))", sqlState: sqlState, constraint: field("n"))
    }

    private var lastMessage: String {
        PQerrorMessage(handle).map { String(cString: $0).trimmingCharacters(in: .whitespacesAndNewlines) } ?? ""
    }

    /// The beginning of a statement, on one line; statements hold no values.
    private static func excerpt(_ statement: String) -> String {
        let line = statement.split(whereSeparator: \.isWhitespace).joined(separator: " ")
        return line.count > 80 ? "“\(line.prefix(80))…”" : "“\(line)”"
    }
}

extension Duration {
    /// Whole milliseconds, as PostgreSQL's settings want them.
    var inMilliseconds: String {
        String(components.seconds * 1000 + components.attoseconds / 1_000_000_000_000_000)
    }
}

extension [Parameter] {
    /// The values as libpq's parallel arrays: addresses (nil is NULL), lengths, and 1 for binary. All values lie in
    /// one buffer that lives as long as `body` runs.
    fileprivate func withLibpqArrays<R>(
        _ body: ([UnsafePointer<CChar>?], [Int32], [Int32]) throws -> R
    ) rethrows -> R {
        var storage = [UInt8]()
        storage.reserveCapacity(reduce(1) { $0 + ($1.bytes?.count ?? 0) })
        var offsets = [Int]()
        for parameter in self {
            offsets.append(storage.count)
            storage += parameter.bytes ?? []
        }
        // An empty value still needs an address: a null pointer would mean NULL.
        storage.append(0)
        return try storage.withUnsafeBytes { buffer in
            let base = buffer.assumingMemoryBound(to: CChar.self).baseAddress
            let values = zip(self, offsets).map { parameter, offset in
                parameter.bytes == nil ? nil : base.map { $0 + offset }
            }
            return try body(values, map { Int32(clamping: $0.bytes?.count ?? 0) }, map { _ in 1 })
        }
    }
}
