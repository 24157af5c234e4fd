import Cluster
import Testing

@Suite struct LeaderTrustTests {
    let start = ContinuousClock.now

    @Test func trustEndsBeforeTheLeaseDoes() {
        let trust = LeaderTrust(askedAt: start, timeToLive: .seconds(10))
        #expect(trust.verdict(now: start + .milliseconds(8999)) == .trusted)
        #expect(trust.verdict(now: start + .seconds(9)) == .lapsed)
    }

    @Test func aRenewalCountsFromWhenItWasAskedFor() {
        var trust = LeaderTrust(askedAt: start, timeToLive: .seconds(10))
        // Asked after 3 s, answered whenever: 12 s is the end of the trust.
        trust.renewed(askedAt: start + .seconds(3))
        #expect(trust.verdict(now: start + .milliseconds(11_999)) == .trusted)
        #expect(trust.verdict(now: start + .seconds(12)) == .lapsed)
        // An answer that comes late takes nothing back.
        trust.renewed(askedAt: start + .seconds(1))
        #expect(trust.verdict(now: start + .milliseconds(11_999)) == .trusted)
    }

    @Test func thereIsTimeForTwoFailedRenewals() {
        let trust = LeaderTrust(askedAt: start, timeToLive: .seconds(10))
        #expect(trust.nextRenewal + (trust.nextRenewal - start) * 1.5 < trust.trustedUntil)
    }

    @Test func leasesAreSweptOnceAnIntervalAndNotRightAfterAnOutage() {
        var gate = SweepGate(start: start, interval: .seconds(1), grace: .seconds(5), patience: .seconds(60))
        let value1 = gate.mayPass(now: start)
        #expect(!value1)
        let value2 = gate.mayPass(now: start + .seconds(1))
        #expect(value2)
        let value3 = gate.mayPass(now: start + .milliseconds(1900))
        #expect(!value3)
        gate.ledgerCameBack(now: start + .seconds(2))
        let value4 = gate.mayPass(now: start + .milliseconds(6900))
        #expect(!value4)
        let value5 = gate.mayPass(now: start + .seconds(7))
        #expect(value5)
    }

    @Test func whatRanOutWhileTheCoordinatorStoodStillIsNotSweptAtOnce() {
        var gate = SweepGate(start: start, interval: .seconds(1), grace: .seconds(5), patience: .seconds(2))
        func passes(_ seconds: Int) -> Bool {
            gate.turn(now: start + .seconds(seconds))
            return gate.mayPass(now: start + .seconds(seconds))
        }
        let seen = [1, 3, 20, 22, 24, 25, 26].map(passes)
        #expect(seen == [true, true, false, false, false, true, true])
        // Where every turn is slow, there is a sweep all the same.
        let slow = [30, 40, 50, 60].map(passes)
        #expect(slow == [false, true, false, true])
    }
}
