/// The sizes of a MIL network. Parameters fit only a network of the configuration they were trained in.
public struct MILConfiguration: Sendable, Hashable, Codable {
    public var encoder: EncoderKind
    /// Where images were encoded before: the length of the feature vectors that stand for them. The network then has no
    /// encoder, only heads.
    public var givenFeatures: Int?
    /// Width of both teachers' hidden layers; the attention's own is half of it.
    public var teacherHidden: Int
    /// Width of the student's hidden layers.
    public var studentHidden: Int
    /// Before each hidden layer of the heads, while training.
    public var dropout: Float

    /// The reference's sizes, unless said otherwise.
    public init(
        encoder: EncoderKind = .resNet18, givenFeatures: Int? = nil, teacherHidden: Int = 1024, studentHidden: Int = 4096,
        dropout: Float = 0.5
    ) {
        self.encoder = encoder
        self.givenFeatures = givenFeatures
        self.teacherHidden = teacherHidden
        self.studentHidden = studentHidden
        self.dropout = dropout
    }

    /// Length of the feature vectors that the heads read.
    public var features: Int { givenFeatures ?? encoder.features }

    func makeEncoder(seed: UInt64) throws -> any ImageBackbone {
        if let givenFeatures { FeatureInput(givenFeatures) } else { try encoder.make(seed: seed) }
    }
}
