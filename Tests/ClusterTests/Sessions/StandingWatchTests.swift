import Cluster
import Ledger
import Testing

@Suite struct StandingWatchTests {
    let now = ContinuousClock.now

    static func wait(_ kind: String, _ centre: String? = nil) -> (job: JobID, wait: WaitStatus) {
        (JobID(1), WaitStatus(kind: kind, stage: "cam", centre: centre, message: "m", since: 0))
    }

    @Test func whatStandsIsSaidOnceAndSoIsItsEnd() {
        var watch = StandingWatch(interval: .seconds(5), start: now)
        var said: [[String]] = []
        for waits in [[Self.wait("centre", "north")], [Self.wait("centre", "north")], [Self.wait("centre", "north")], []] {
            let (new, over) = watch.note(waits)
            said.append(new.map(\.wait.kind) + over.map { "over " + $0.kind })
        }
        #expect(said == [[], ["centre"], [], ["over centre"]])
        // What is gone at the next look is not spoken of.
        _ = watch.note([Self.wait("workers")])
        let (new, over) = watch.note([])
        #expect(new.isEmpty && over.isEmpty)
    }

    @Test func aClockThatWentBackIsToldFromOneThatWasCorrected() {
        var watch = StandingWatch(interval: .seconds(5), start: now)
        #expect(watch.isFirstClock)
        let looks = [
            watch.clock(1000, now: now),
            watch.clock(1005, now: now + .seconds(5)),
            // A correction by NTP, and a leap forward.
            watch.clock(1009, now: now + .seconds(10)),
            watch.clock(2000, now: now + .seconds(15)),
            watch.clock(1905, now: now + .seconds(20)),
            watch.clock(1910, now: now + .seconds(25)),
        ]
        #expect(looks == [nil, nil, nil, nil, 100, nil])
    }

    @Test func itIsDueAtItsIntervalOnly() {
        var watch = StandingWatch(interval: .seconds(5), start: now)
        let due = [1, 5, 6, 9, 10].map { watch.isDue(now + .seconds($0)) }
        #expect(due == [false, true, false, false, true])
    }
}
