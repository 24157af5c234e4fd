import Foundation
import NeuralNetwork

/// The sizes of EfficientNet-Lite (Tan and Le, ICML 2019, without squeeze-and-excitation and with ReLU6; Liu, TensorFlow
/// blog, March 2020). Width and depth of stem and head are those of size 0 in all of them.
public enum EfficientNetLiteSize: String, EncoderFamily {
    case efficientNetLite0, efficientNetLite1, efficientNetLite2, efficientNetLite3, efficientNetLite4

    /// Factors of width and depth.
    private var factors: (width: Double, depth: Double) {
        switch self {
        case .efficientNetLite0: (1, 1)
        case .efficientNetLite1: (1, 1.1)
        case .efficientNetLite2: (1.1, 1.2)
        case .efficientNetLite3: (1.2, 1.4)
        case .efficientNetLite4: (1.4, 1.8)
        }
    }

    /// One stage of blocks at size 0: how many, their kernel, the first one's stride, how much wider the inner convolution
    /// is, and the channels that they hand on.
    struct Stage {
        var blocks: Int
        var kernel: Int
        var stride: Int
        var expansion: Int
        var channels: Int
    }

    private static let stages = [
        Stage(blocks: 1, kernel: 3, stride: 1, expansion: 1, channels: 16),
        Stage(blocks: 2, kernel: 3, stride: 2, expansion: 6, channels: 24),
        Stage(blocks: 2, kernel: 5, stride: 2, expansion: 6, channels: 40),
        Stage(blocks: 3, kernel: 3, stride: 2, expansion: 6, channels: 80),
        Stage(blocks: 3, kernel: 5, stride: 1, expansion: 6, channels: 112),
        Stage(blocks: 4, kernel: 5, stride: 2, expansion: 6, channels: 192),
        Stage(blocks: 1, kernel: 3, stride: 1, expansion: 6, channels: 320),
    ]

    static let stemChannels = 32
    static let headChannels = 1280

    /// The stages at this size: channels to the nearest multiple of 8 that is not a tenth smaller, blocks rounded up; the
    /// first and the last stage keep their one block.
    var stages: [Stage] {
        Self.stages.enumerated().map { index, stage in
            var stage = stage
            stage.channels = Self.rounded(Double(stage.channels) * factors.width)
            if index > 0, index < Self.stages.count - 1 {
                stage.blocks = Int((Double(stage.blocks) * factors.depth).rounded(.up))
            }
            return stage
        }
    }

    /// Channels of `EfficientNetLite.pyramid`: of the last stage before each halving of the sides, and of the last one.
    var pyramidChannels: [Int] {
        let stages = stages
        return stages.indices.compactMap { place in
            place == stages.count - 1 || stages[place + 1].stride == 2 ? stages[place].channels : nil
        }
    }

    private static func rounded(_ channels: Double) -> Int {
        let nearest = max(8, Int(channels + 4) / 8 * 8)
        return Double(nearest) < 0.9 * channels ? nearest + 8 : nearest
    }

    public var features: Int { Self.headChannels }

    /// TensorFlow pads a strided convolution by its input's extent; below a multiple of 32 every extent is even.
    public var sideMultiple: Int { 32 }

    /// That of size 0; the larger ones' 240 to 300 are brought to the next multiple of 32.
    public var publishedSide: Int {
        switch self {
        case .efficientNetLite0: 224
        case .efficientNetLite1, .efficientNetLite2: 256
        case .efficientNetLite3: 288
        case .efficientNetLite4: 320
        }
    }

    /// (colour − 127) / 128 of 0…255, as TensorFlow's release takes it.
    public static var publishedColours: ColourNormalisation { .signedBytes }
    public static var classifierPrefix: String { "_fc." }

    public init?(of tensors: TensorShapes) {
        guard tensors["_conv_stem.weight"] != nil, tensors["_conv_head.weight"] != nil else { return nil }
        self.init(blocksOf: tensors)
    }

    /// The same whether there is a head or not.
    init?(blocksOf tensors: TensorShapes) {
        let blocks = Set(
            tensors.names.lazy.filter { $0.hasPrefix("_blocks.") }.map { $0.dropFirst("_blocks.".count).prefix { $0 != "." } }
        ).count
        let width = tensors["_blocks.\(blocks - 1)._project_conv.weight"]?.first
        let found = Self.allCases.first { size in
            size.stages.reduce(0) { $0 + $1.blocks } == blocks && size.stages.last?.channels == width
        }
        guard let found else { return nil }
        self = found
    }

    public func make(seed: UInt64?) throws -> sending any ImageBackbone { try EfficientNetLite(self, seed: seed) }
}
