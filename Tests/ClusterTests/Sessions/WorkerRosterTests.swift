import Cluster
import Foundation
import Testing
import Wire

@Suite struct WorkerRosterTests {
    static func hello(_ name: String, boot: UInt8 = 0, slots: UInt32 = 2, held: [ShardLease] = []) -> Hello {
        Hello(
            worker: name, boot: Data(repeating: boot, count: 16), slots: slots, centres: ["north"], stages: ["s"],
            numericSetup: "x", program: "p", host: "h", process: 1, held: held)
    }

    static func leases(_ range: ClosedRange<Int64>) -> [ShardLease] { range.map { ShardLease(shard: $0, attempt: 1) } }
    let a = Data("a".utf8)
    let b = Data("b".utf8)
    let now = ContinuousClock.now

    @Test func creditIsWhatWasWantedLessWhatWasAssigned() {
        var roster = WorkerRoster()
        roster.welcome(Self.hello("w"), at: a, replacing: nil)
        let value1 = roster.claims(now: now)
        #expect(value1.isEmpty)
        roster.want(4, at: a)
        let value2 = roster.claims(now: now)
        #expect(value2 == [.init(connection: a, limit: 4)])
        roster.assigned(Self.leases(1...3), at: a)
        let value3 = roster.claims(now: now)
        #expect(value3 == [.init(connection: a, limit: 1)])
        // Acknowledged shards give no credit by themselves: the worker says how much more it wants.
        roster.end(Self.leases(1...3), at: a)
        #expect(roster[a]?.credit == 1)
        // A limit that was said before, or less, changes nothing.
        roster.want(3, at: a)
        #expect(roster[a]?.credit == 1)
        roster.want(7, at: a)
        #expect(roster[a]?.credit == 4)
    }

    @Test func idleSlotsOfAllWorkersComeBeforeShardsKeptReady() {
        var roster = WorkerRoster()
        roster.welcome(Self.hello("v", boot: 1), at: a, replacing: nil)
        roster.welcome(Self.hello("w", boot: 2), at: b, replacing: nil)
        roster.want(8, at: a)
        roster.want(8, at: b)
        let first = roster.claims(now: now)
        #expect(Set(first.map(\.connection)) == [a, b])
        #expect(first.allSatisfy { $0.limit == 2 })
        roster.assigned(Self.leases(1...2), at: a)
        // One has idle slots still: it comes first, and may take all that it wants.
        let value4 = roster.claims(now: now)
        #expect(value4 == [.init(connection: b, limit: 8), .init(connection: a, limit: 6)])
        roster.assigned(Self.leases(3...4), at: b)
        let value5 = roster.claims(now: now)
        #expect(value5.map(\.limit) == [6, 6])
    }

    @Test func whoFoundNothingIsNotAskedForAgainUntilThereIsNews() {
        var roster = WorkerRoster()
        roster.welcome(Self.hello("w"), at: a, replacing: nil)
        roster.want(4, at: a)
        roster.dry(a, until: now + .seconds(1))
        let value6 = roster.claims(now: now)
        #expect(value6.isEmpty)
        let value7 = roster.claims(now: now + .seconds(1))
        #expect(!value7.isEmpty)
        roster.dry(a, until: now + .seconds(9))
        roster.refill()
        let value8 = roster.claims(now: now)
        #expect(!value8.isEmpty)
    }

    @Test func whatAWorkerHasInHandIsWhatItsNextHelloSays() {
        var roster = WorkerRoster()
        roster.welcome(Self.hello("w"), at: a, replacing: nil)
        roster.want(4, at: a)
        roster.assigned(Self.leases(1...4), at: a)
        roster.end(Self.leases(1...1), at: a)
        // It reconnects, and has only shards 2 and 3.
        roster.welcome(Self.hello("w", held: Self.leases(2...3)), at: b, replacing: a)
        #expect(roster[a] == nil)
        #expect(roster[b]?.held == Self.leases(2...3))
        // The count begins anew.
        #expect(roster[b]?.credit == 0)
    }

    @Test func anotherLifeOfTheSameNameInheritsNothing() {
        var roster = WorkerRoster()
        roster.welcome(Self.hello("w", boot: 1), at: a, replacing: nil)
        roster.want(2, at: a)
        roster.assigned(Self.leases(1...2), at: a)
        roster.welcome(Self.hello("w", boot: 2), at: b, replacing: nil)
        #expect(roster[b]?.held.isEmpty == true)
    }

    @Test func ofALostWorkersShardsThoseInItsSlotsAreToldFromThoseThatWaited() throws {
        var roster = WorkerRoster()
        roster.welcome(Self.hello("w", slots: 2), at: a, replacing: nil)
        roster.want(10, at: a)
        roster.assigned(Self.leases(1...6), at: a)
        roster.end(Self.leases(1...1), at: a)
        roster.heartbeat(
            Heartbeat(
                sequence: 1,
                held: Self.leases(2...6).map { Heartbeat.Progress(lease: $0, isRunning: $0.shard == 5) }, limit: 10,
                isDraining: false, residentBytes: 0), at: a)
        let gone = roster.remove(a)
        let removed = try #require(gone)
        #expect(removed.working == Self.leases(2...3) + Self.leases(5...5))
        #expect(removed.waiting == Self.leases(4...4) + Self.leases(6...6))
        let value10 = roster.remove(a)
        #expect(value10 == nil)
    }

    @Test func drainingAndUnreachableWorkersGetNothing() {
        var roster = WorkerRoster()
        roster.welcome(Self.hello("v", boot: 1), at: a, replacing: nil)
        roster.welcome(Self.hello("w", boot: 2), at: b, replacing: nil)
        roster.want(4, at: b)
        roster.heartbeat(Heartbeat(sequence: 1, held: [], limit: 4, isDraining: true, residentBytes: 0), at: a)
        roster.unreachable(b)
        let value11 = roster.claims(now: now)
        #expect(value11.isEmpty)
    }

    @Test func manyEndedLeasesDoNotPileUp() {
        var roster = WorkerRoster()
        roster.welcome(Self.hello("w"), at: a, replacing: nil)
        for round in 0..<50 {
            let leases = Self.leases(Int64(round) * 100...Int64(round) * 100 + 99)
            roster.assigned(leases, at: a)
            roster.end(leases.reversed(), at: a)
        }
        #expect(roster[a]?.held.isEmpty == true)
        #expect(roster[a]?.heldCount == 0)
    }
}
