/// One coordinator's term of leadership. Its epoch grows with every take-over; every write of a leader carries it.
public struct LeaderTerm: Hashable, Codable, Sendable {
    public var holder: String
    public var epoch: Int64
    /// Seconds from the moment the database granted or renewed it until another may take over. Trust it for less:
    /// count from before the call, on a monotonic clock, and keep a margin.
    public var timeToLive: Double

    public init(holder: String, epoch: Int64, timeToLive: Double) {
        self.holder = holder
        self.epoch = epoch
        self.timeToLive = timeToLive
    }
}
