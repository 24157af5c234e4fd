/// The sizes of a MIL network. Parameters fit only a network of the configuration they were trained in.
public struct MILConfiguration: Sendable, Hashable, Codable {
    public var encoder: ResNetKind
    /// Width of both teachers' hidden layers; the attention's own is half of it.
    public var teacherHidden: Int
    /// Width of the student's hidden layers.
    public var studentHidden: Int
    /// Before each hidden layer of the heads, while training.
    public var dropout: Float

    /// The reference's sizes, unless said otherwise.
    public init(
        encoder: ResNetKind = .resNet18, teacherHidden: Int = 1024, studentHidden: Int = 4096, dropout: Float = 0.5
    ) {
        self.encoder = encoder
        self.teacherHidden = teacherHidden
        self.studentHidden = studentHidden
        self.dropout = dropout
    }
}
