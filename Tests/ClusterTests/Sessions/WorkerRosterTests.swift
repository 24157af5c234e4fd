import Cluster
import Foundation
import Ledger
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

    static func shards(_ range: ClosedRange<Int64>, stage: String = "s", job: Int64 = 1) -> [AssignedShard] {
        range.map {
            AssignedShard(
                lease: ShardLease(shard: $0, attempt: 1), job: job, stage: stage, round: 0, key: "\($0)", centre: nil, seed: 0,
                input: Data())
        }
    }

    @Test func creditIsWhatWasWantedLessWhatWasAssigned() {
        var roster = WorkerRoster()
        roster.welcome(Self.hello("w", slots: 8), at: a, replacing: nil)
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
        #expect(first.allSatisfy { $0.limit == 2 && $0.purpose == .begin })
        roster.assigned(Self.shards(1...2), at: a)
        let second = roster.claims(now: now)
        #expect(second == [.init(connection: b, limit: 2)])
        roster.assigned(Self.shards(3...4), at: b)
        // Nobody knows how long these take: one for each slot is kept ready.
        let third = roster.claims(now: now)
        #expect(third.map(\.limit) == [2, 2])
        #expect(third.allSatisfy { $0.purpose == .ready(StageOfJob(job: JobID(1), stage: "s")) })
    }

    @Test func quickShardsAreKeptReadyAndSlowOnesAreNot() {
        var roster = WorkerRoster()
        let stage = StageOfJob(job: JobID(1), stage: "s")
        roster.welcome(Self.hello("v"), at: a, replacing: nil)
        roster.want(10_000, at: a)
        roster.assigned(Self.shards(1...3), at: a)
        roster.finished(ShardLease(shard: 1, attempt: 1), at: a, seconds: 0.001)
        let quick = roster.claims(now: now)
        #expect(quick == [.init(connection: a, limit: 2 + 2 * 256 - 3, purpose: .ready(stage))])
        for _ in 0..<30 { roster.finished(ShardLease(shard: 2, attempt: 1), at: a, seconds: 0.5) }
        let slower = roster.claims(now: now)
        #expect(slower == [.init(connection: a, limit: 1, purpose: .ready(stage))])
        for _ in 0..<30 { roster.finished(ShardLease(shard: 2, attempt: 1), at: a, seconds: 30) }
        let slow = roster.claims(now: now)
        #expect(slow.isEmpty)
    }

    /// Keys that say nothing of a kind must not each become one: a single slow shard would then count for ever.
    @Test func oneSlowShardAmongThousandsIsForgotten() {
        var roster = WorkerRoster()
        roster.welcome(Self.hello("v"), at: a, replacing: nil)
        roster.want(10_000, at: a)
        roster.assigned(Self.shards(1...200), at: a)
        roster.finished(ShardLease(shard: 1, attempt: 1), at: a, seconds: 60)
        for shard in 2...180 { roster.finished(ShardLease(shard: Int64(shard), attempt: 1), at: a, seconds: 0.0005) }
        roster.end(Self.leases(1...180), at: a)
        let claims = roster.claims(now: now)
        #expect(claims.first.map { $0.limit > 400 } == true, "\(claims)")
    }

    @Test func creditThatQuickShardsHaveEarnedIsNotSpentOnSlowOnes() {
        var roster = WorkerRoster()
        for (connection, name) in [(a, "v"), (b, "w")] {
            roster.welcome(Self.hello(name, boot: connection[0], slots: 1), at: connection, replacing: nil)
            roster.want(514, at: connection)
        }
        roster.assigned(Self.shards(1...1), at: a)
        roster.finished(ShardLease(shard: 1, attempt: 1), at: a, seconds: 0.001)
        roster.end(Self.leases(1...1), at: a)
        // Nine replicas of another stage: one for each slot and one ready, and no more before one comes back.
        var (queued, next) = (9, Int64(100))
        var given: [Data: Int] = [:]
        func hand(_ roster: inout WorkerRoster) {
            for _ in 0..<4 {
                let claims = roster.claims(now: now)
                for claim in claims {
                    let count = roster.share(of: queued, for: claim)
                    guard count > 0 else { continue }
                    roster.assigned(Self.shards(next...(next + Int64(count) - 1), stage: "train"), at: claim.connection)
                    given[claim.connection, default: 0] += count
                    queued -= count
                    next += Int64(count)
                }
            }
        }
        hand(&roster)
        #expect(given == [a: 2, b: 2])
        while queued > 0 {
            for connection in [a, b] {
                for lease in roster[connection]?.held ?? [] {
                    roster.finished(lease, at: connection, seconds: 20)
                    roster.end([lease], at: connection)
                }
                hand(&roster)
            }
        }
        #expect(abs((given[a] ?? 0) - (given[b] ?? 0)) <= 1, "\(given)")
    }

    @Test func idleSlotsShareOutWhatThereIs() {
        var roster = WorkerRoster()
        roster.welcome(Self.hello("v", boot: 1, slots: 4), at: a, replacing: nil)
        roster.welcome(Self.hello("w", boot: 2, slots: 4), at: b, replacing: nil)
        roster.want(8, at: a)
        roster.want(8, at: b)
        let claims = roster.claims(now: now)
        #expect(claims.map { roster.share(of: 6, for: $0) } == [3, 3])
        #expect(claims.map { roster.share(of: 100, for: $0) } == [4, 4])
        // What remains of shards to be kept ready stays for whoever is free first.
        let ready = WorkerRoster.Claim(connection: a, limit: 50, purpose: .ready(StageOfJob(job: JobID(1), stage: "s")))
        #expect(roster.share(of: 1, for: ready) == 0)
        #expect(roster.share(of: 9, for: ready) == 4)
    }

    @Test func aWorkerInTroubleGetsNothingOfItsCentreAndAStuckSlotNothingAtAll() {
        var roster = WorkerRoster()
        roster.welcome(Self.hello("v", slots: 2), at: a, replacing: nil)
        func beat(_ troubles: [Wire.Heartbeat.Trouble]) -> Bool {
            roster.heartbeat(
                Wire.Heartbeat(sequence: 1, held: [], limit: 4, isDraining: false, residentBytes: 0, troubles: troubles), at: a)
        }
        var changes = [beat([])]
        changes.append(beat([.init(centre: "north", job: nil, reason: "away", age: .seconds(1))]))
        #expect(roster[a]?.centres == [])
        // Only older: nothing new.
        changes.append(beat([.init(centre: "north", job: nil, reason: "away", age: .seconds(3))]))
        changes.append(
            beat([
                .init(centre: "north", job: 7, reason: "another archive", age: .zero),
                .init(centre: nil, job: nil, reason: "a slot", age: .zero),
            ]))
        #expect(roster[a]?.centres == ["north"])
        #expect(roster[a]?.excluded == [JobCentre(job: JobID(7), centre: "north")])
        #expect(roster[a]?.idleSlots == 1)
        changes.append(beat([]))
        #expect(roster[a]?.excluded == [] && roster[a]?.idleSlots == 2)
        #expect(changes == [false, true, false, true, true])
    }

    @Test func aFingerprintIsToldOnceASession() {
        var roster = WorkerRoster()
        let place = JobCentre(job: JobID(1), centre: "north")
        roster.welcome(Self.hello("v"), at: a, replacing: nil)
        let first = roster.tellsFingerprint(of: place, at: a)
        let second = roster.tellsFingerprint(of: place, at: a)
        roster.welcome(Self.hello("v"), at: b, replacing: a)
        let again = roster.tellsFingerprint(of: place, at: b)
        #expect([first, second, again] == [true, false, true])
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
            Wire.Heartbeat(
                sequence: 1,
                held: Self.leases(2...6).map { Wire.Heartbeat.Progress(lease: $0, isRunning: $0.shard == 5) }, limit: 10,
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
        roster.heartbeat(Wire.Heartbeat(sequence: 1, held: [], limit: 4, isDraining: true, residentBytes: 0), at: a)
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

    @Test func aSlotThatHasNotLeftARevokedShardIsNotIdle() {
        var roster = WorkerRoster()
        roster.welcome(Self.hello("w", slots: 2), at: a, replacing: nil)
        roster.want(4, at: a)
        roster.assigned(Self.shards(1...2), at: a)
        func beat(_ leases: [ShardLease]) {
            roster.heartbeat(
                Wire.Heartbeat(
                    sequence: 1, held: leases.map { .init(lease: $0, isRunning: true) }, limit: 4, isDraining: false,
                    residentBytes: 0), at: a)
        }
        beat(Self.leases(1...2))
        roster.revoke(Self.leases(1...1), at: a)
        #expect(roster[a]?.held == Self.leases(2...2))
        #expect(roster[a]?.idleSlots == 0, "it still works on the other")
        beat(Self.leases(1...2))
        #expect(roster[a]?.idleSlots == 0)
        beat(Self.leases(2...2))
        #expect(roster[a]?.idleSlots == 1)
    }
}
