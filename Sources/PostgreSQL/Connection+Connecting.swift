import CPostgres
import Foundation

extension Connection {
    /// A connected handle. libpq's own blocking connect is not used: only the stepwise one lets errors carry their
    /// SQLSTATE, which tells a wrong password from a wrong database in any language of the server.
    static func connect(
        _ connectionString: String, applicationName: String, within limit: Duration
    ) throws -> OpaquePointer {
        let secrets = try secrets(in: connectionString)
        // Before `dbname`: defaults that the connection string may change. After it: what it may not.
        let options: [(String, String)] = [
            ("application_name", applicationName), ("keepalives", "1"), ("keepalives_idle", "10"),
            ("keepalives_interval", "5"), ("keepalives_count", "3"), ("tcp_user_timeout", "20000"),
            ("target_session_attrs", "any"), ("dbname", connectionString), ("client_encoding", "UTF8"),
        ]
        let keys = options.map { strdup($0.0) }
        let values = options.map { strdup($0.1) }
        defer { (keys + values).forEach { free($0) } }
        let started = PQconnectStartParams(
            keys.map { UnsafePointer($0) } + [nil], values.map { UnsafePointer($0) } + [nil], 1)
        guard let handle = started else { throw PostgreSQLError(.other, "no memory for a connection") }
        // Notices would go to standard error.
        PQsetNoticeProcessor(handle, { _, _ in }, nil)
        PQsetErrorVerbosity(handle, PQERRORS_VERBOSE)
        do {
            try finishConnecting(handle, secrets: secrets, within: limit)
        } catch {
            PQfinish(handle)
            throw error
        }
        PQsetErrorVerbosity(handle, PQERRORS_DEFAULT)
        return handle
    }

    private static func finishConnecting(_ handle: OpaquePointer, secrets: [String], within limit: Duration) throws {
        let clock = ContinuousClock()
        let deadline = clock.now + limit
        var state = PQstatus(handle) == CONNECTION_BAD ? PGRES_POLLING_FAILED : PGRES_POLLING_WRITING
        while state == PGRES_POLLING_READING || state == PGRES_POLLING_WRITING {
            let left = clock.now.duration(to: deadline)
            let events = Int16(state == PGRES_POLLING_READING ? POLLIN : POLLOUT)
            var descriptor = pollfd(fd: PQsocket(handle), events: events, revents: 0)
            let milliseconds = Int32(clamping: Int64(left.inMilliseconds) ?? 0)
            guard milliseconds > 0 else {
                throw PostgreSQLError(.unreachable, "\(place(of: handle)) did not answer within \(limit)")
            }
            if poll(&descriptor, 1, milliseconds) > 0 { state = PQconnectPoll(handle) }
        }
        guard state == PGRES_POLLING_OK else { throw connectionError(handle, secrets: secrets) }
    }

    private static func connectionError(_ handle: OpaquePointer, secrets: [String]) -> PostgreSQLError {
        var message = PQerrorMessage(handle).map { String(cString: $0) } ?? "no reason given"
        // Verbose messages end with the line of the server's source; only the first line is for people.
        message = message.split(separator: "\n").first(where: { !$0.isEmpty }).map(String.init) ?? message
        for secret in secrets { message = message.replacingOccurrences(of: secret, with: "…") }
        let sqlState = message.firstMatch(of: /(?:FATAL|PANIC|ERROR|[[:upper:]]+):\s+([0-9A-Z]{5}):/).map { String($0.1) }
        var code = sqlState.map(PostgreSQLError.Code.init(sqlState:)) ?? .unreachable
        if PQconnectionNeedsPassword(handle) == 1 { code = .authenticationFailed }
        let advice =
            switch code {
            case .authenticationFailed: "; check user and password, and pg_hba.conf"
            case .unknownDatabase: "; create it (createdb) or correct its name"
            case .unreachable: "; is PostgreSQL running there?"
            default: ""
            }
        return PostgreSQLError(code, "\(place(of: handle)): \(message)\(advice)", sqlState: sqlState)
    }

    /// Where a handle leads, for messages: never with a password.
    private static func place(of handle: OpaquePointer) -> String {
        func text(_ value: UnsafeMutablePointer<CChar>?) -> String { value.map { String(cString: $0) } ?? "" }
        return "database “\(text(PQdb(handle)))” at \(text(PQhost(handle))) as “\(text(PQuser(handle)))”"
    }

    /// The passwords that a connection string holds, so that no message repeats them.
    private static func secrets(in connectionString: String) throws -> [String] {
        var reason: UnsafeMutablePointer<CChar>?
        guard let options = PQconninfoParse(connectionString, &reason) else {
            defer { PQfreemem(reason) }
            // libpq quotes the part that it could not read, which may be the password: keep only the rest.
            let text = reason.map { String(cString: $0) } ?? ""
            let safe = text.replacing(/"[^"]*"/, with: "…").trimmingCharacters(in: .whitespacesAndNewlines)
            throw PostgreSQLError(
                .invalidConnectionString,
                "the connection string cannot be read (\(safe)); write postgresql://user@host:5432/database")
        }
        defer { PQconninfoFree(options) }
        var secrets = [String]()
        var option = options
        while let keyword = option.pointee.keyword {
            if ["password", "sslpassword"].contains(String(cString: keyword)), let value = option.pointee.val {
                secrets.append(String(cString: value))
            }
            option += 1
        }
        return secrets.filter { !$0.isEmpty }
    }
}
