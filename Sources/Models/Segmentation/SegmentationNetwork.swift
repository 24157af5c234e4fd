import NeuralNetwork

/// A network that draws a finding into an image: one map of logits, or several that are all supervised.
///
/// What surrounds it (training, prediction, files, stages) is written once, over this protocol and `SegmentationFamily`.
public protocol SegmentationNetwork: Module {
    /// What the network belongs to.
    var family: any SegmentationFamily { get }

    /// The maps of logits that are learnt from, each N,H,W,1, always as many and in the same order.
    ///
    /// `images` is N,H,W,3, normalised by ImageNet's constants, its sides multiples of the family's `sideMultiple`.
    /// Throws `EngineError.shapeMismatch` for others.
    func maps(_ images: Tensor, _ pass: ForwardPass) throws -> [Tensor]

    /// What training makes smaller. `masks` is N,H,W,1 of numbers in [0, 1].
    func loss(of maps: [Tensor], masks: Tensor) throws -> SegmentationLoss

    /// The logits of the prediction, N,H,W,1.
    func prediction(of maps: [Tensor], _ pass: ForwardPass) throws -> Tensor

    /// Takes over a file of the encoder alone: of the network that the family's `encoder(ofSize:)` names.
    ///
    /// Throws as `load(_:)`.
    func loadEncoder(_ set: ParameterSet) throws
}

extension SegmentationNetwork {
    /// For networks without an encoder that has files of its own.
    public func loadEncoder(_ set: ParameterSet) throws {
        throw ParameterError(.missingTensors, "\(family.title) has no encoder with files of its own: name a file of the whole network")
    }
}

/// The loss of one batch, with the gradient of each map.
public struct SegmentationLoss {
    public let value: Float
    /// In the order of the maps, each of its shape.
    public let gradients: [Tensor]

    /// The sum of one loss a map.
    public init(sum losses: [LossGradient]) {
        // In order, from the first: the sum of two is their sum.
        value = losses.dropFirst().reduce(losses.first?.value ?? 0) { $0 + $1.value }
        gradients = losses.map(\.gradient)
    }
}
