/// Where an image speaks for class 1, at the encoder's own resolution (a 32nd of the image, rounded up).
public struct ActivationMap: Sendable, Equatable {
    public let height: Int
    public let width: Int
    /// Row-major, not normalised; ≥ 0 where what speaks against class 1 was left out.
    public let values: [Float]
    /// The student's probability of class 1 for the image.
    public let studentProbability: Float
}
