import Cluster
import Testing
import Wire

@Suite struct CentreHealthTests {
    let now = ContinuousClock.now
    let north = CentreHealth.Key(centre: "north")

    @Test func eachChangeIsSaidOnce() {
        var health = CentreHealth()
        let changes = [
            health.found(north, nil, now: now),
            health.found(north, "its folder is not there", now: now),
            health.found(north, "its folder is not there", now: now + .seconds(2)),
            health.found(north, "its folder is empty", now: now + .seconds(4)),
            health.found(north, nil, now: now + .seconds(6)),
            health.found(north, nil, now: now + .seconds(8)),
        ]
        #expect(
            changes == [
                nil, .away(reason: "its folder is not there"), nil, .away(reason: "its folder is empty"),
                .back(after: .seconds(6)), nil,
            ])
        #expect(health.version == 3)
        #expect(health.troubles.isEmpty)
    }

    @Test func troubleThatIsOverIsRememberedForShardsThatRanThen() {
        var health = CentreHealth()
        _ = health.found(north, "away", now: now + .seconds(10))
        _ = health.found(north, nil, now: now + .seconds(12))
        #expect(health.wasInTrouble("north", job: 1, since: now))
        #expect(health.wasInTrouble("north", job: 1, since: now + .seconds(11)))
        #expect(!health.wasInTrouble("north", job: 1, since: now + .seconds(13)))
        #expect(!health.wasInTrouble("south", job: 1, since: now))
    }

    @Test func anotherJobsArchiveIsNoTroubleOfThisOne() {
        var health = CentreHealth()
        _ = health.found(.init(centre: "north", job: 1), "another archive", now: now)
        #expect(health.wasInTrouble("north", job: 1, since: now + .seconds(60)))
        #expect(!health.wasInTrouble("north", job: 2, since: now))
    }

    @Test func aSlotIsStuckWhenItWasToldToStopAndDoesNotReturn() {
        var slots = StuckSlots(patience: .seconds(30))
        let (a, b) = (ShardLease(shard: 1, attempt: 1), ShardLease(shard: 2, attempt: 1))
        slots.toldToStop(a, now: now)
        slots.toldToStop(b, now: now + .seconds(10))
        // Told again: the time runs from the first word.
        slots.toldToStop(a, now: now + .seconds(20))
        #expect(slots.stuck(now: now + .seconds(29)).isEmpty)
        #expect(slots.stuck(now: now + .seconds(31)).map(\.lease) == [a])
        slots.returned(a)
        #expect(slots.stuck(now: now + .seconds(60)).map(\.lease) == [b])
    }
}
