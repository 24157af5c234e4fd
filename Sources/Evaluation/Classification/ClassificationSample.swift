/// One thing that was scored: a bag or an image, with its truth.
public struct ClassificationSample: Sendable, Equatable {
    public var centre: String
    /// The study it belongs to. Samples of one study are not independent: intervals resample whole studies.
    public var study: String
    /// The greater, the more positive; not necessarily a probability.
    public var score: Double
    public var isPositive: Bool

    public init(centre: String, study: String, score: Double, isPositive: Bool) {
        self.centre = centre
        self.study = study
        self.score = score
        self.isPositive = isPositive
    }
}
