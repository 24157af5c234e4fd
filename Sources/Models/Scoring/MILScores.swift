/// What a compiled network says of the images of one bag, in their order.
public struct MILScores: Sendable, Equatable {
    /// The encoder's features, image after image.
    public let features: [Float]
    /// The attention teacher's raw score of each image.
    public let attention: [Float]
    /// DSMIL's instance probability of each image.
    public let dsmil: [Float]
    /// The student's probability of class 1 for each image.
    public let student: [Float]
    /// The attention teacher's probability that the bag is positive.
    public let attentionBag: Float
    /// DSMIL's probability that the bag is positive.
    public let dsmilBag: Float
}
