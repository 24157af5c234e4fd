import Cluster
import Foundation
import Testing
import Wire

@Suite struct WorkerSessionTests {
    typealias Action = WorkerSession.Action

    /// A session that a test drives, with a clock of its own.
    struct Driven {
        var session: WorkerSession
        var now = ContinuousClock.now

        init(slots: UInt32 = 2) {
            let hello = Hello(
                worker: "w", boot: Data(0..<16), slots: slots, centres: ["north"], stages: ["s"], numericSetup: "x",
                program: "p", host: "h", process: 1)
            session = WorkerSession(
                WorkerSession.Settings(hello: hello, heartbeatInterval: .seconds(2), leaseDuration: .seconds(15)))
        }

        mutating func handle(_ event: WorkerSession.Event) -> [Action] { session.handle(event, now: now) }
        mutating func receive(_ message: WireMessage) -> [Action] { handle(.received(message)) }

        mutating func tick(after duration: Duration = .zero) -> [Action] {
            now += duration
            return handle(.tick)
        }

        @discardableResult
        mutating func welcome(revoked: [ShardLease] = []) -> [Action] {
            receive(
                .welcome(
                    Welcome(epoch: 1, heartbeatInterval: .seconds(2), leaseDuration: .seconds(15), revoked: revoked)))
        }

        /// Ticks for a while in small steps, with a coordinator that acknowledges every heartbeat.
        mutating func live(for duration: Duration, revoking revoked: [ShardLease] = []) -> [Action] {
            var actions: [Action] = []
            let end = now + duration
            while now < end {
                let new = tick(after: .milliseconds(250))
                actions += new
                for case .heartbeat(let sequence, _, _, _) in new {
                    actions += receive(
                        .heartbeatAck(HeartbeatAck(sequence: sequence, revoked: revoked, isLedgerAway: false, epoch: 1)))
                }
            }
            return actions
        }
    }

    static func shard(_ id: Int64, attempt: Int32 = 1) -> AssignedShard {
        AssignedShard(
            lease: ShardLease(shard: id, attempt: attempt), job: 1, stage: "s", round: 0, key: "\(id)", centre: nil, seed: 0,
            input: Data())
    }

    static func result(_ shard: AssignedShard) -> ShardResult {
        ShardResult(lease: shard.lease, rows: Data(), record: Data("{}".utf8))
    }

    static func sent(_ actions: [Action]) -> [WireMessage] {
        actions.compactMap { if case .send(let message) = $0 { message } else { nil } }
    }

    static func limits(_ actions: [Action]) -> [UInt64] {
        sent(actions).compactMap { if case .want(let limit) = $0 { limit } else { nil } }
    }

    @Test func itSaysHelloUntilItIsWelcomed() {
        var driven = Driven()
        var hellos = 0
        for _ in 0..<40 {
            for case .hello(let hello) in Self.sent(driven.tick(after: .milliseconds(100))) {
                #expect(hello.held.isEmpty)
                hellos += 1
            }
        }
        // At once, and then ever more seldom.
        #expect((3...6).contains(hellos))
        driven.welcome()
        #expect(driven.session.isConnected)
        let value1 = driven.live(for: .seconds(5))
        #expect(Self.sent(value1).allSatisfy { if case .hello = $0 { false } else { true } })
    }

    @Test func itWantsOneShardAtWorkAndOneReadyForEachSlot() {
        var driven = Driven(slots: 3)
        let value2 = driven.tick()
        #expect(Self.limits(value2).isEmpty)
        driven.welcome()
        let value3 = driven.tick()
        #expect(Self.limits(value3) == [6])
        let shards = (1...6).map { Self.shard($0) }
        let value4 = driven.receive(.assign(shards))
        #expect(value4 == shards.map { .run($0) })
        let value5 = driven.tick()
        #expect(Self.limits(value5).isEmpty)
        // Slow shards: one that ends makes room for one.
        _ = driven.handle(.finished(Self.result(shards[0]), heldBytes: 0, seconds: 30))
        let actions = driven.tick()
        #expect(Self.limits(actions) == [7])
        #expect(Self.sent(actions).contains(.results([Self.result(shards[0])])))
    }

    @Test func quickShardsAreAskedForInAdvance() throws {
        var driven = Driven(slots: 2)
        driven.welcome()
        _ = driven.tick()
        _ = driven.receive(.assign([Self.shard(1)]))
        _ = driven.handle(.finished(Self.result(Self.shard(1)), heldBytes: 0, seconds: 0.001))
        let actions = driven.tick()
        let limit = try #require(Self.limits(actions).last)
        #expect((200...600).contains(limit))
    }

    @Test func resultsAreKeptUntilTheyAreAcknowledgedAndToldAgainInANewSession() {
        var driven = Driven()
        driven.welcome()
        _ = driven.tick()
        let shard = Self.shard(1)
        _ = driven.receive(.assign([shard]))
        _ = driven.handle(.finished(Self.result(shard), heldBytes: 10, seconds: 1))
        let value6 = driven.tick()
        #expect(Self.sent(value6).contains(.results([Self.result(shard)])))
        // Not twice in one session.
        let value7 = driven.live(for: .seconds(30))
        #expect(!Self.sent(value7).contains(.results([Self.result(shard)])))
        // The coordinator is another one.
        _ = driven.receive(.refused(Refused(code: .unknownSession, reason: "")))
        let hello = Self.sent(driven.tick())
        #expect(hello.contains { if case .hello(let hello) = $0 { hello.held == [shard.lease] } else { false } })
        driven.welcome()
        let value8 = driven.tick()
        #expect(Self.sent(value8).contains(.results([Self.result(shard)])))
        let value9 = driven.receive(.acks([ShardAck(lease: shard.lease, outcome: .accepted)]))
        #expect(value9 == [.forget(shard.lease)])
        #expect(driven.session.table.isEmpty)
        // A second acknowledgement finds nothing.
        let value10 = driven.receive(.acks([ShardAck(lease: shard.lease, outcome: .accepted)]))
        #expect(value10.isEmpty)
    }

    @Test func aLeaseThatAHeardCoordinatorDoesNotRenewIsGivenUpBeforeItEnds() {
        var driven = Driven()
        driven.welcome()
        let shard = Self.shard(1)
        _ = driven.receive(.assign([shard]))
        var actions: [Action] = []
        // It speaks, but of heartbeats it says nothing.
        for second in 1...13 {
            actions += driven.tick(after: .seconds(1)) + driven.receive(.acks([]))
            #expect(actions.contains(.cancel(shard.lease, whileRunning: true)) == (second == 13))
        }
        #expect(driven.session.table.isEmpty)
        // What it computed nevertheless is nobody's.
        let late = driven.handle(.finished(Self.result(shard), heldBytes: 0, seconds: 14))
        #expect(late == [.forget(shard.lease)])
    }

    @Test func whileNoCoordinatorIsHeardShardsAreKeptAndTheNextOneDecides() {
        var driven = Driven()
        driven.welcome()
        let (kept, revoked) = (Self.shard(1), Self.shard(2))
        _ = driven.receive(.assign([kept, revoked]))
        var actions: [Action] = []
        for _ in 0..<120 { actions += driven.tick(after: .seconds(1)) }
        #expect(!actions.contains { if case .cancel = $0 { true } else { false } })
        guard case .hello(let hello)? = Self.sent(actions).last else {
            Issue.record("it does not say hello: \(actions)")
            return
        }
        #expect(hello.held == [kept.lease, revoked.lease])
        let welcomed = driven.welcome(revoked: [revoked.lease])
        #expect(welcomed.contains(.cancel(revoked.lease, whileRunning: true)))
        let later = driven.live(for: .seconds(30))
        #expect(!later.contains { if case .cancel = $0 { true } else { false } })
        #expect(driven.session.table.leases == [kept.lease])
    }

    @Test func whoWaitsForAWelcomeIsNeverSilentForLong() {
        var driven = Driven()
        driven.welcome()
        _ = driven.receive(.refused(Refused(code: .unknownSession, reason: "")))
        var (gap, longest) = (Duration.zero, Duration.zero)
        for _ in 0..<600 {
            let said = Self.sent(driven.tick(after: .milliseconds(100)))
            gap = said.isEmpty ? gap + .milliseconds(100) : .zero
            longest = max(longest, gap)
        }
        #expect(longest < .seconds(6), "three heartbeats, after which a coordinator takes it for lost")
        #expect(longest > .seconds(2), "and yet it does not hammer")
    }

    @Test func aProcessThatWasStoppedAsksBeforeItGoesOn() {
        var driven = Driven()
        driven.welcome()
        let shard = Self.shard(1)
        _ = driven.receive(.assign([shard]))
        // SIGSTOP for a minute: the first thing that it says after it.
        guard case .hello(let hello)? = Self.sent(driven.tick(after: .seconds(60))).first else {
            Issue.record("it does not say hello")
            return
        }
        #expect(hello.held == [shard.lease])
        #expect(driven.welcome(revoked: [shard.lease]).contains(.cancel(shard.lease, whileRunning: true)))
    }

    @Test func heartbeatsRenew() {
        var driven = Driven()
        driven.welcome()
        let shard = Self.shard(1)
        _ = driven.receive(.assign([shard]))
        let actions = driven.live(for: .seconds(120))
        #expect(!actions.contains(.cancel(shard.lease, whileRunning: true)))
        let beats = actions.count { if case .heartbeat(_, [shard.lease], _, false) = $0 { true } else { false } }
        #expect((50...65).contains(beats))
    }

    @Test func whileTheLedgerIsAwayLeasesAreKept() {
        var driven = Driven()
        driven.welcome()
        let shard = Self.shard(1)
        _ = driven.receive(.assign([shard]))
        for _ in 0..<60 {
            for case .heartbeat(let sequence, _, _, _) in driven.tick(after: .seconds(1)) {
                _ = driven.receive(
                    .heartbeatAck(HeartbeatAck(sequence: sequence, revoked: [], isLedgerAway: true, epoch: 1)))
            }
        }
        #expect(driven.session.table[shard.lease] != nil)
    }

    @Test func aRevokedShardIsStoppedAndItsResultDropped() {
        var driven = Driven()
        driven.welcome()
        let (running, done) = (Self.shard(1), Self.shard(2))
        _ = driven.receive(.assign([running, done]))
        _ = driven.handle(.finished(Self.result(done), heldBytes: 5, seconds: 1))
        let actions = driven.live(for: .seconds(3), revoking: [running.lease, done.lease])
        #expect(actions.contains(.cancel(running.lease, whileRunning: true)))
        #expect(actions.contains(.forget(done.lease)))
        #expect(driven.session.table.isEmpty)
    }

    @Test func aNewerAttemptAtTheSameShardReplacesTheOlder() {
        var driven = Driven()
        driven.welcome()
        _ = driven.receive(.assign([Self.shard(1, attempt: 1)]))
        let actions = driven.receive(.assign([Self.shard(1, attempt: 2)]))
        #expect(actions.contains(.cancel(ShardLease(shard: 1, attempt: 1), whileRunning: true)))
        #expect(actions.contains(.run(Self.shard(1, attempt: 2))))
        // An assignment that comes twice changes nothing.
        let value14 = driven.receive(.assign([Self.shard(1, attempt: 2)]))
        #expect(value14.isEmpty)
        #expect(driven.session.table.leases == [ShardLease(shard: 1, attempt: 2)])
    }

    @Test func aSilentCoordinatorIsGreetedAgain() {
        var driven = Driven()
        driven.welcome()
        let actions = driven.tick(after: .seconds(7))
        #expect(actions.contains(.log(.coordinatorSilent)))
        #expect(Self.sent(actions).contains { if case .hello = $0 { true } else { false } })
        #expect(!driven.session.isConnected)
    }

    @Test func aRefusalOfTheVersionEndsTheWorker() throws {
        var driven = Driven()
        let actions = driven.receive(.refused(Refused(code: .version, reason: "too old")))
        guard case .leave(let error?) = try #require(actions.first) else {
            Issue.record("it stays: \(actions)")
            return
        }
        #expect(error.code == .refused && error.message.contains("too old"))
        let value15 = driven.tick(after: .seconds(10))
        #expect(value15.isEmpty)
    }

    @Test func aDrainReturnsWhatWasNotBegunAndFinishesTheRest() {
        var driven = Driven()
        driven.welcome()
        _ = driven.tick()
        let (running, ready) = (Self.shard(1), Self.shard(2))
        _ = driven.receive(.assign([running, ready]))
        let asked = driven.handle(.drain(deadline: driven.now + .seconds(60)))
        #expect(asked.filter { $0 != .log(.draining) } == [running, ready].map { .cancel($0.lease, whileRunning: false) })
        // The shell could withdraw one; the other runs.
        _ = driven.handle(.stopped(ready.lease))
        let value16 = driven.tick()
        #expect(Self.sent(value16) == [.giveBack([ready.lease], reason: "not begun")])
        _ = driven.receive(.acks([ShardAck(lease: ready.lease, outcome: .accepted)]))
        // Nothing new is wanted, and what comes nevertheless goes back.
        let late = Self.shard(3)
        let value17 = driven.receive(.assign([late]))
        #expect(value17.isEmpty)
        let value18 = driven.tick()
        #expect(Self.sent(value18) == [.giveBack([late.lease], reason: "not begun")])
        _ = driven.receive(.acks([ShardAck(lease: late.lease, outcome: .accepted)]))
        _ = driven.handle(.finished(Self.result(running), heldBytes: 0, seconds: 5))
        let value19 = driven.tick()
        #expect(Self.sent(value19) == [.results([Self.result(running)])])
        _ = driven.receive(.acks([ShardAck(lease: running.lease, outcome: .accepted)]))
        let value20 = driven.tick()
        #expect(value20 == [.send(.goodbye(reason: "drained")), .leave(nil)])
    }

    @Test func aDrainEndsAtItsDeadlineWhateverRuns() {
        var driven = Driven()
        driven.welcome()
        let shard = Self.shard(1)
        _ = driven.receive(.assign([shard]))
        _ = driven.handle(.drain(deadline: driven.now + .seconds(4)))
        _ = driven.live(for: .seconds(3))
        let actions = driven.live(for: .seconds(2))
        #expect(actions.contains(.cancel(shard.lease, whileRunning: true)))
        #expect(Self.sent(actions).contains(.giveBack([shard.lease], reason: "not begun")))
        // No acknowledgement comes: it leaves all the same.
        let value21 = driven.live(for: .seconds(6))
        #expect(value21.last == .leave(nil))
    }

    @Test func whoLeavesBeforeTheWelcomeSaysGoodbyeAllTheSame() {
        var driven = Driven()
        #expect(Self.sent(driven.tick()).count == 1)
        _ = driven.handle(.drain(deadline: driven.now + .seconds(60)))
        let actions = driven.tick(after: .milliseconds(100))
        #expect(actions.suffix(2) == [.send(.goodbye(reason: "drained")), .leave(nil)])
    }

    /// Random events: what is in hand, what is owed and the credit never contradict each other.
    @Test func invariantsHoldForAnyOrderOfEvents() {
        for seed in 0..<200 {
            var generator = SeededGenerator(state: UInt64(seed))
            var driven = Driven(slots: UInt32.random(in: 1...4, using: &generator))
            var running: Set<ShardLease> = []
            var limit: UInt64 = 0
            var assigned: UInt64 = 0
            var next: Int64 = 0
            for _ in 0..<300 {
                var actions: [Action] = []
                switch Int.random(in: 0..<10, using: &generator) {
                case 0:
                    actions = driven.welcome(revoked: Array(running.shuffled(using: &generator).prefix(1)))
                    (limit, assigned) = (0, 0)
                case 1...3 where driven.session.isConnected && assigned < limit:
                    next += 1
                    assigned += 1
                    actions = driven.receive(.assign([Self.shard(next)]))
                case 4, 5:
                    if let lease = running.randomElement(using: &generator) {
                        running.remove(lease)
                        actions = driven.handle(
                            .finished(Self.result(Self.shard(lease.shard)), heldBytes: 1, seconds: 5))
                    }
                case 6:
                    if let lease = driven.session.table.leases.randomElement(using: &generator), !running.contains(lease) {
                        actions = driven.receive(.acks([ShardAck(lease: lease, outcome: .accepted)]))
                    }
                case 7: actions = driven.receive(.refused(Refused(code: .unknownSession, reason: "")))
                default: actions = driven.tick(after: .milliseconds(Int.random(in: 0...4000, using: &generator)))
                }
                for action in actions {
                    switch action {
                    case .run(let shard): running.insert(shard.lease)
                    case .cancel(let lease, _):
                        #expect(running.remove(lease) != nil, "cancelled what was not running")
                    case .send(.want(let new)):
                        #expect(new > limit, "a limit that shrank")
                        limit = new
                    default: break
                    }
                }
                let table = driven.session.table
                #expect(Set(table.assignedLeases) == running)
                #expect(table.assigned == running.count)
                #expect(table.unacknowledged == table.count - running.count)
            }
        }
    }
}
