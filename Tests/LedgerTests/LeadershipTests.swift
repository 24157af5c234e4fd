import Foundation
import Ledger
import PostgreSQL
import Testing

@Suite struct LeadershipTests {
    @Test func oneLeadsAtATime() throws {
        let first = try TestLedger()
        let second = Ledger(connectionString: first.connectionString)
        #expect(try second.acquireLeadership(holder: "second", timeToLive: .seconds(60), grace: .zero) == nil)
        try first.ledger.resignLeadership()
        let term = try #require(try second.acquireLeadership(holder: "second", timeToLive: .seconds(60), grace: .zero))
        #expect(term.epoch == 2)
        #expect(ledgerErrorCode { try first.ledger.renewLeadership() } == .notLeader)
    }

    @Test func manyWhoTryAtOnceMakeOneLeader() throws {
        let string = try TestServer.newDatabase()
        try Ledger(connectionString: string).migrate()
        let terms = try onThreads(8) { index in
            try Ledger(connectionString: string).acquireLeadership(
                holder: "holder \(index)", timeToLive: .seconds(60), grace: .zero)
        }
        #expect(terms.compactMap { $0 }.count == 1)
    }

    @Test func staleEpochWritesNothing() throws {
        let old = try TestLedger()
        try old.enqueue(2)
        let shard = try old.claim(1)[0]
        // The old leader's lease runs out unnoticed; another takes over.
        try old.direct().execute("UPDATE leader SET expires_at = now() - interval '1 second'")
        let new = Ledger(connectionString: old.connectionString)
        #expect(try new.acquireLeadership(holder: "new", timeToLive: .seconds(60), grace: .zero)?.epoch == 2)

        #expect(ledgerErrorCode { _ = try old.ledger.commit([shard.committed()]) } == .notLeader)
        #expect(try old.counts().kept.done == 0)
        #expect(old.ledger.term == nil, "it knows now")
        #expect(ledgerErrorCode { _ = try old.claim(1) } == .notLeader)
        #expect(ledgerErrorCode { try old.enqueue(1, stage: "train") } == .notLeader)
        // Work done under the old leader is not lost: its fence is still the shard's.
        #expect(try new.commit([shard.committed()]) == [.accepted])
    }

    @Test func sameHolderGetsANewEpoch() throws {
        let test = try TestLedger()
        let again = Ledger(connectionString: test.connectionString)
        #expect(try again.acquireLeadership(holder: "first", timeToLive: .seconds(60), grace: .zero)?.epoch == 2)
        #expect(ledgerErrorCode { try test.ledger.recordEvent(job: nil, kind: "k", message: "m") } == .notLeader)
    }

    @Test func graceKeepsLeasesAfterATakeOver() throws {
        let test = try TestLedger()
        try test.enqueue(1)
        let shard = try test.claim(1)[0]
        try test.runOut(shard.lease)
        try test.ledger.resignLeadership()
        #expect(try test.ledger.acquireLeadership(holder: "second", timeToLive: .seconds(60), grace: .seconds(60)) != nil)
        #expect(try test.ledger.expireLeases().isEmpty)
        #expect(try test.ledger.renew([shard.lease], worker: .a, leaseDuration: .seconds(60)) == [shard.lease])
        try test.runOut(shard.lease)
        try test.direct().execute("UPDATE leader SET grace_until = now() - interval '1 second'")
        #expect(try test.ledger.expireLeases().map(\.lease) == [shard.lease])
    }
}
