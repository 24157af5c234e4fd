import NeuralNetwork

/// The network of optical biopsy (docs/Method.md, section 7): an image encoder, and a head that tells the classes of
/// pathology apart: linear, batch normalisation, ReLU, linear.
///
/// Parameters are named `encoder.` (the encoder's published names) and `biopsy.` (0, 1 and 3, as a sequence of layers has
/// them). A network belongs to one thread; to move it, send its `parameters()`.
public final class BiopsyNetwork: Module {
    /// Width of the head's hidden layer.
    public static let hiddenWidth = 512
    /// Non-neoplastic and neoplastic.
    public static let classCount = 2

    public let kind: EncoderKind
    public let encoder: any ImageBackbone
    private let hidden: Linear
    private let norm: BatchNorm
    private let top: Linear

    /// The head starts from N(0, 0.01) with zero bias, the encoder as its kind does. `seed` decides all; without one
    /// everything learnt starts at zero or one, for who loads parameters.
    public init(_ kind: EncoderKind, seed: UInt64?) throws {
        self.kind = kind
        encoder = try kind.make(seed: seed)
        hidden = try Linear(kind.features, Self.hiddenWidth)
        norm = try BatchNorm(Self.hiddenWidth)
        top = try Linear(Self.hiddenWidth, Self.classCount)
        guard let seed else { return }
        for (linear, name) in [(hidden, "biopsy.0"), (top, "biopsy.3")] {
            linear.forEachParameter(name) { name, parameter in
                if parameter.shape.count == 2 { Initialisation.normal(parameter, deviation: 0.01, seed: seed, name: name) }
            }
        }
    }

    /// Logits, N, 2, of feature vectors, N, features.
    public func head(_ features: Tensor, _ pass: ForwardPass) throws -> Tensor {
        try top(norm(hidden(features, pass, result: .float32), pass, relu: true), pass, result: .float32)
    }

    /// Logits, N, 2, of images, N,H,W,3.
    public func callAsFunction(_ images: Tensor, _ pass: ForwardPass) throws -> Tensor {
        try head(encoder.features(images, pass), pass)
    }

    /// What learns when the encoder does not.
    public var headParameters: [Parameter] { hidden.learnt + norm.learnt + top.learnt }

    public func forEachParameter(_ prefix: String, _ body: (String, Parameter) throws -> Void) rethrows {
        try encoder.forEachParameter(joinedName(prefix, "encoder"), body)
        try hidden.forEachParameter(joinedName(prefix, "biopsy.0"), body)
        try norm.forEachParameter(joinedName(prefix, "biopsy.1"), body)
        try top.forEachParameter(joinedName(prefix, "biopsy.3"), body)
    }
}

extension EncoderKind {
    /// Of the biopsy network whose tensors these are; nil for tensors of none.
    public init?(ofBiopsy tensors: TensorShapes) {
        guard tensors["biopsy.3.weight"] != nil else { return nil }
        self.init(of: tensors.below("encoder."))
    }
}
