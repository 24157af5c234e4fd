import Foundation

/// A connection that is made anew after it broke, with growing pauses between attempts. Not Sendable, like the
/// connection within.
public final class Session {
    private let connectionString: String
    private let applicationName: String
    private let isReadOnly: Bool
    private let limits: Connection.Limits
    private var connection: Connection?
    private var failures = 0
    private var nextAttempt: ContinuousClock.Instant?

    /// Does not connect: the first use does.
    public init(
        connectionString: String, applicationName: String, isReadOnly: Bool = false,
        limits: Connection.Limits = Connection.Limits()
    ) {
        self.connectionString = connectionString
        self.applicationName = applicationName
        self.isReadOnly = isReadOnly
        self.limits = limits
    }

    /// The live connection, made now if there is none.
    ///
    /// - Throws: `.unreachable`, at once, while the pause after a failed attempt lasts.
    public func live() throws -> Connection {
        if let connection, connection.isUsable { return connection }
        connection = nil
        if let nextAttempt, ContinuousClock.now < nextAttempt {
            throw PostgreSQLError(.unreachable, "PostgreSQL was out of reach \(failures) times; waiting before the next attempt")
        }
        do {
            let fresh = try Connection(
                connectionString: connectionString, applicationName: applicationName, isReadOnly: isReadOnly,
                limits: limits)
            connection = fresh
            failures = 0
            nextAttempt = nil
            return fresh
        } catch {
            failures += 1
            // 50 ms doubling to 3.2 s, with jitter so that a fleet does not come back in step.
            let pause = 0.05 * Double(1 << min(failures - 1, 6)) * Double.random(in: 0.75...1.25)
            nextAttempt = ContinuousClock.now + .seconds(pause)
            throw error
        }
    }

    public func close() { connection = nil }
}
