/// How long to wait before the next try: doubled each time, with jitter, and never longer than a bound.
public struct Backoff: Sendable, Equatable {
    /// Seconds before the first repetition.
    public var first: Double
    /// The longest wait, seconds.
    public var longest: Double
    /// Tries in all, the first included.
    public var tries: Int

    public init(first: Double = 0.5, longest: Double = 30, tries: Int = 5) {
        self.first = first
        self.longest = longest
        self.tries = max(1, tries)
    }

    /// Seconds to wait after `failures` failures: "full jitter", at least half of the exponential value.
    ///
    /// - Parameters:
    ///   - random: a value in 0..<1.
    ///   - asked: the wait that the server asked for; it wins when longer, up to the bound.
    public func delay(after failures: Int, random: Double, asked: Double? = nil) -> Double {
        var delay = first
        for _ in 1..<max(failures, 1) { delay = min(delay * 2, longest) }
        delay = min(delay, longest) * (0.5 + 0.5 * random)
        return min(max(delay, asked ?? 0), longest)
    }
}
