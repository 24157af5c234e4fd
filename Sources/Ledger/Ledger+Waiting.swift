import PostgreSQL

/// What running jobs wait for, in their messages.
extension Ledger {
    /// How the message of a job begins that waits for something that is not its own fault.
    public static let waitingPrefix = "waiting: "

    /// Gives every running job a message. Needs leadership.
    public func noteActiveJobs(_ note: String) throws {
        try lead { connection, _ in
            _ = try connection.execute(
                "UPDATE job SET message = $1 WHERE state = 'running' AND message IS DISTINCT FROM $1", [.text(note.withoutNul)])
        }
    }

    /// Takes a message back from the running jobs that still have it.
    public func withdrawNote(_ note: String) throws {
        try lead { connection, _ in
            _ = try connection.execute(
                "UPDATE job SET message = '' WHERE state = 'running' AND message = $1", [.text(note.withoutNul)])
        }
    }

    /// Takes back whatever an earlier term noted of waiting.
    public func withdrawNotes() throws {
        try lead { connection, _ in
            _ = try connection.execute(
                "UPDATE job SET message = '' WHERE state = 'running' AND starts_with(message, $1)", [.text(Self.waitingPrefix)])
        }
    }
}
