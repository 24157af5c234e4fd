/// How long things take and may take. Everything that waits in the cluster waits for one of these.
public struct ClusterTiming: Sendable, Hashable {
    /// How often a worker says what it has in hand. Silent for three of these, it is taken for lost.
    public var heartbeatInterval = Duration.seconds(2)
    /// How long a lease lasts without a heartbeat.
    public var leaseDuration = Duration.seconds(15)
    /// How long a leader leads without renewing.
    public var leadershipTimeToLive = Duration.seconds(10)
    /// After a change of leader no lease is declared lost for so long.
    public var failOverGrace = Duration.seconds(15)
    /// How often leases that ran out are looked for.
    public var sweepInterval = Duration.seconds(1)
    /// How often the ledger is asked for work that nobody announced.
    public var pollInterval = Duration.milliseconds(500)

    /// A lease may last so long whatever others of its stage took, and `overdueFactor` times what most of them took.
    public var shortestLeaseLimit = Duration.seconds(600)
    public var overdueFactor = 20.0
    /// How long a slot may take to notice that it was told to stop; then it is stuck, and its worker starts anew.
    public var slotPatience = Duration.seconds(180)

    public init() {}

    /// After so much silence a worker is lost to the coordinator, and the coordinator to a worker.
    public var silenceLimit: Duration { heartbeatInterval * 3 }

    func validate() throws(ClusterError) {
        guard heartbeatInterval >= .milliseconds(20), leaseDuration >= heartbeatInterval * 3,
            leadershipTimeToLive >= .milliseconds(500), sweepInterval > .zero, pollInterval > .zero
        else {
            throw ClusterError(
                .configuration,
                "timing: a lease (\(leaseDuration)) must last at least three heartbeats (\(heartbeatInterval)), "
                    + "leadership at least 0.5 s")
        }
    }
}

package typealias Instant = ContinuousClock.Instant

extension Duration {
    /// Seconds as a number, for rates and messages.
    var inSeconds: Double { Double(components.seconds) + Double(components.attoseconds) * 1e-18 }
}
