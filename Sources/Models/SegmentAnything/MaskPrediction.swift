/// One mask that the network proposes for a prompt.
public struct MaskPrediction: Sendable {
    /// The image's pixels, row by row: 255 on the object, 0 elsewhere.
    public let mask: [UInt8]
    public let width: Int
    public let height: Int
    /// The intersection over union with the object that the network foresees. Not bounded to [0, 1].
    public let predictedIoU: Float
    /// Logits at a quarter of the input's resolution: a prompt's `mask` for the next look.
    public let lowResolution: [Float]

    /// Pixels on the object.
    public var area: Int { mask.reduce(0) { $0 + ($1 > 0 ? 1 : 0) } }
}
