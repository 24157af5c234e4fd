import NeuralNetwork

/// The network of optical biopsy (docs/Method.md, section 7): an image encoder, and a head that tells the classes of
/// pathology apart.
///
/// Parameters are named `encoder.` (the encoder's published names) and `biopsy.` (the head's). A network belongs to one
/// thread; to move it, send its `parameters()`.
public final class BiopsyNetwork: Module {
    public let kind: EncoderKind
    public let encoder: any ImageBackbone
    public let head: BiopsyHead

    /// The head starts from N(0, 0.01) with zero bias, the encoder as its kind does. `seed` decides all; without one
    /// everything learnt starts at zero or one, for who loads parameters.
    public init(_ kind: EncoderKind, seed: UInt64?) throws {
        self.kind = kind
        encoder = try kind.make(seed: seed)
        head = try BiopsyHead(features: kind.features)
        guard let seed else { return }
        head.forEachParameter("biopsy") { name, parameter in
            if parameter.shape.count == 2 { Initialisation.normal(parameter, deviation: 0.01, seed: seed, name: name) }
        }
    }

    public func forEachParameter(_ prefix: String, _ body: (String, Parameter) throws -> Void) rethrows {
        try encoder.forEachParameter(joinedName(prefix, "encoder"), body)
        try head.forEachParameter(joinedName(prefix, "biopsy"), body)
    }
}

/// Tells non-neoplastic and neoplastic apart by an image's features: linear, batch normalisation, ReLU, linear. Parameters
/// are named 0, 1 and 3, as a sequence of layers has them.
public final class BiopsyHead: Module {
    /// Width of the hidden layer.
    public static let hiddenWidth = 512
    /// Non-neoplastic and neoplastic.
    public static let classCount = 2

    private let hidden: Linear
    private let norm: BatchNorm
    private let top: Linear

    init(features: Int) throws {
        hidden = try Linear(features, Self.hiddenWidth)
        norm = try BatchNorm(Self.hiddenWidth)
        top = try Linear(Self.hiddenWidth, Self.classCount)
    }

    /// Logits, N, 2, of feature vectors, N, features.
    public func callAsFunction(_ features: Tensor, _ pass: ForwardPass) throws -> Tensor {
        try top(norm(hidden(features, pass, result: .float32), pass, relu: true), pass, result: .float32)
    }

    public func forEachParameter(_ prefix: String, _ body: (String, Parameter) throws -> Void) rethrows {
        try hidden.forEachParameter(joinedName(prefix, "0"), body)
        try norm.forEachParameter(joinedName(prefix, "1"), body)
        try top.forEachParameter(joinedName(prefix, "3"), body)
    }
}

extension EncoderKind {
    /// Of the biopsy network whose tensors these are; nil for tensors of none.
    public init?(ofBiopsy tensors: TensorShapes) {
        guard tensors["biopsy.3.weight"] != nil else { return nil }
        self.init(of: tensors.below("encoder."))
    }
}
