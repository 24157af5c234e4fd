import NeuralNetwork

/// U-Net (Ronneberger, Fischer and Brox 2015) with batch normalisation, zero padding and transposed convolutions. Names are
/// those of the reference's checkpoints.
public final class UNet: Module {
    /// What the network gives.
    public struct Outputs {
        /// The maps on the way down, of all, a half, … a sixteenth of the sides, N,H,W,C.
        public let down: [Tensor]
        /// Those on the way up, of an eighth of the sides to all.
        public let up: [Tensor]
        /// N,H,W,1, of the images' sides.
        public let logits: Tensor
    }

    /// A doubling of the sides, and the block behind it.
    private struct Rise {
        let enlarging: ConvTranspose2d
        let block: DoubleConvolution
    }

    private let down: [DoubleConvolution]
    private let up: [Rise]
    private let head: Conv2d

    /// Starts as PyTorch does, with biases of zero. Without a seed everything learnt starts at zero or one, for who loads
    /// parameters.
    /// - Parameter width: channels of the first block.
    public init(width: Int = 64, seed: UInt64?) throws {
        down = try (0...4).map { try DoubleConvolution($0 == 0 ? 3 : width << ($0 - 1), width << $0) }
        up = try (0..<4).reversed().map { depth in
            let channels = width << depth
            return Rise(
                enlarging: try ConvTranspose2d(2 * channels, channels, side: 2),
                block: try DoubleConvolution(2 * channels, channels))
        }
        head = try Conv2d(width, 1, kernel: 1, geometry: ConvolutionGeometry(), hasBias: true)
        guard let seed else { return }
        forEachParameter("") { name, parameter in
            if parameter.shape.count > 1 { Initialisation.uniformFanIn(parameter, seed: seed, name: name) }
        }
    }

    /// `images` is N,H,W,3 with sides of at least 16, normalised by ImageNet's constants.
    public func callAsFunction(_ images: Tensor, _ pass: ForwardPass) throws -> Outputs {
        guard images.shape.count == 4, images.shape[3] == 3, images.count > 0, images.shape[1] >= 16, images.shape[2] >= 16
        else {
            throw EngineError(.shapeMismatch, "a U-Net reads N,H,W,3 with sides of at least 16, not \(images.shape)")
        }
        var lower = [try down[0](images, pass)]
        for block in down.dropFirst() {
            lower.append(try block(pass.maxPool(lower[lower.count - 1], kernel: 2, stride: 2, padding: 0), pass))
        }
        var upper: [Tensor] = []
        for (index, rise) in up.enumerated() {
            let skip = lower[3 - index]
            // An odd side was rounded down on the way: the larger map lies in the middle of zeros.
            let enlarged = try pass.centred(
                rise.enlarging(upper.last ?? lower[4], pass), height: skip.shape[1], width: skip.shape[2])
            upper.append(try rise.block(pass.concatenatedChannels([skip, enlarged]), pass))
        }
        let logits = try head(upper[3], pass, norm: nil, result: .float32)
        return Outputs(down: lower, up: upper, logits: logits)
    }

    public func forEachParameter(_ prefix: String, _ body: (String, Parameter) throws -> Void) rethrows {
        for (depth, block) in down.enumerated() {
            try block.forEachParameter(joinedName(prefix, depth == 0 ? "inc" : "down\(depth).maxpool_conv.1"), body)
        }
        for (index, rise) in up.enumerated() {
            try rise.enlarging.forEachParameter(joinedName(prefix, "up\(index + 1).up"), body)
            try rise.block.forEachParameter(joinedName(prefix, "up\(index + 1).conv"), body)
        }
        try head.forEachParameter(joinedName(prefix, "outc.conv"), body)
    }
}
