import NeuralNetwork

/// The published sizes of Pyramid Vision Transformer v2 (Wang et al. 2022).
public enum PVTSize: String, Sendable, Hashable, NamedChoice {
    case b0, b1, b2, b3, b4, b5

    /// Channels of the four stages.
    public var widths: [Int] { self == .b0 ? [32, 64, 160, 256] : [64, 128, 320, 512] }

    /// Blocks of the four stages.
    public var depths: [Int] {
        switch self {
        case .b0, .b1: [2, 2, 2, 2]
        case .b2: [3, 4, 6, 3]
        case .b3: [3, 4, 18, 3]
        case .b4: [3, 8, 27, 3]
        case .b5: [3, 6, 40, 3]
        }
    }

    /// By how much the hidden layer of a stage's MLPs is wider than the stage.
    public var expansions: [Int] { self == .b5 ? [4, 4, 4, 4] : [8, 8, 4, 4] }

    /// Attention heads of the four stages.
    public static let heads = [1, 2, 5, 8]

    /// Sides of the squares of tokens that keys and values of the four stages are made from.
    public static let reductions = [8, 4, 2, 1]
}
