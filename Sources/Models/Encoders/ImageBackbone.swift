import NeuralNetwork

/// A network that turns images into maps, and maps into feature vectors: what multiple-instance learning, class maps and
/// decoders stand on.
public protocol ImageBackbone: Module {
    /// The last maps, N,h,w,features, of `images`, N,H,W,3, whose sides its kind takes (`EncoderKind.sideMultiple`).
    func lastMaps(_ images: Tensor, _ pass: ForwardPass) throws -> Tensor

    /// In training too, batch normalisation uses the running statistics and teaches them nothing.
    var freezesBatchNorm: Bool { get set }

    /// Numbers that a recorded pass keeps for each pixel of its input, roughly: outputs of convolutions and normalisations.
    var activationsPerPixel: Int { get }
}

extension ImageBackbone {
    /// N, features: the mean of the last maps over their positions.
    public func features(_ images: Tensor, _ pass: ForwardPass) throws -> Tensor {
        try pass.globalAveragePool(lastMaps(images, pass))
    }
}
