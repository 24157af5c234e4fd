import PostgreSQL

extension Ledger {
    /// Takes the leadership if nobody holds it, or continues it when `holder` holds it already (with a new epoch: the
    /// earlier term of the same name may still be running somewhere).
    ///
    /// - Parameters:
    ///   - holder: a name that is new at every start of a coordinator.
    ///   - grace: how long after this no lease is expired, so that workers can find the new leader.
    ///
    /// A term that ends further ahead than any is granted was granted before the database's clock went back: it is over.
    /// - Returns: the term, which this ledger's writes carry from now on; nil while another coordinator leads.
    public func acquireLeadership(holder: String, timeToLive: Duration, grace: Duration) throws -> LeaderTerm? {
        guard !holder.isEmpty else { throw LedgerError(.invalid, "a leader needs a name") }
        let epoch = try write { connection -> Int64? in
            let rows = try connection.execute(
                """
                UPDATE leader SET holder = $1, epoch = epoch + 1, expires_at = now() + make_interval(secs => $2),
                    grace_until = now() + make_interval(secs => $3)
                WHERE name = 'coordinator' AND (expires_at < now() OR holder = $1 OR expires_at > now() + make_interval(secs => 60 + 60 * $2))
                RETURNING epoch
                """,
                [.text(holder), .float8(timeToLive.inSeconds), .float8(grace.inSeconds)])
            guard let epoch = try rows.first?.int64(0) else { return nil }
            try Self.insertEvent(connection, job: nil, epoch: epoch, actor: holder, kind: "leadership", message: "took over")
            return epoch
        }
        guard let epoch else { return nil }
        let term = LeaderTerm(holder: holder, epoch: epoch, timeToLive: timeToLive.inSeconds)
        self.term = term
        return term
    }

    /// Lengthens the current term by its time to live.
    ///
    /// - Throws: `.notLeader` when another coordinator took over.
    @discardableResult
    public func renewLeadership() throws -> LeaderTerm {
        guard let term else { throw LedgerError(.notLeader, "this coordinator does not lead") }
        let held = try write { connection in
            try connection.execute(
                """
                UPDATE leader SET expires_at = now() + make_interval(secs => $3)
                WHERE name = 'coordinator' AND epoch = $1 AND holder = $2
                """,
                [.int8(term.epoch), .text(term.holder), .float8(term.timeToLive)]
            ).affected == 1
        }
        guard held else {
            self.term = nil
            throw LedgerError(.notLeader, "epoch \(term.epoch) of “\(term.holder)” is over, another coordinator leads")
        }
        return term
    }

    /// Gives the leadership up, so that a standby need not wait for the term to run out. Harmless when it was lost.
    public func resignLeadership() throws {
        guard let term else { return }
        try write { connection in
            _ = try connection.execute(
                """
                UPDATE leader SET expires_at = '-infinity'
                WHERE name = 'coordinator' AND epoch = $1 AND holder = $2
                """,
                [.int8(term.epoch), .text(term.holder)])
        }
        self.term = nil
    }

    /// One line in the history of the cluster.
    public func recordEvent(job: JobID?, kind: String, message: String) throws {
        try lead { connection, term in
            try Self.insertEvent(
                connection, job: job, epoch: term.epoch, actor: term.holder, kind: kind, message: message)
        }
    }

    static func insertEvent(
        _ connection: Connection, job: JobID?, epoch: Int64, actor: String, kind: String, message: String
    ) throws {
        try connection.execute(
            "INSERT INTO event (job, epoch, actor, kind, message) VALUES ($1, $2, $3, $4, $5)",
            [.int8(job?.rawValue), .int8(epoch), .text(actor), .text(kind), .text(message.withoutNul)])
    }
}

extension String {
    /// PostgreSQL's text holds no NUL; messages from outside may.
    var withoutNul: String { contains("\0") ? replacing("\0", with: "\u{FFFD}") : self }
}

extension Ledger {
    /// Makes this ledger's writes carry a term that another one acquired: for tests of what several writers under one
    /// term do to each other.
    package func adopt(_ term: LeaderTerm) { self.term = term }
}
