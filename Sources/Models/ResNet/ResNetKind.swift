import NeuralNetwork

/// Which residual network (He et al. 2016), as torchvision builds them.
public enum ResNetKind: String, Sendable, Hashable, NamedChoice {
    case resNet18
    case resNet50

    /// Blocks in each of the four layers.
    var depths: [Int] { self == .resNet18 ? [2, 2, 2, 2] : [3, 4, 6, 3] }

    /// How many times a block's output is wider than its inner convolutions.
    var expansion: Int { self == .resNet18 ? 1 : 4 }

    /// Length of the feature vector after global average pooling.
    public var features: Int { 512 * expansion }
}
