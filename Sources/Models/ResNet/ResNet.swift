import NeuralNetwork

/// A residual network, with or without its last linear layer. Names are torchvision's.
public final class ResNet: Module {
    /// What each part of the network gave.
    public struct Activations {
        /// After the 7×7 convolution, batch normalisation, ReLU and max pool.
        public let stem: Tensor
        /// After each of the four layers, N,H,W,C.
        public let layers: [Tensor]
        /// The last of them.
        public let lastLayer: Tensor
        /// N, features: the mean over the last layer's positions.
        public let features: Tensor
        /// N, classes; nil without the last linear layer.
        public let logits: Tensor?
    }

    public let kind: ResNetKind
    let stemConvolution: Conv2d
    let stemNorm: BatchNorm
    let layers: [[ResidualBlock]]
    let classifier: Linear?

    /// Convolutions start as torchvision's do (Kaiming by fan out); `classes` nil leaves out the last layer.
    public init(_ kind: ResNetKind, classes: Int? = nil, seed: UInt64) throws {
        self.kind = kind
        stemConvolution = try Conv2d(3, 64, kernel: 7, geometry: ConvolutionGeometry(stride: 2, padding: 3))
        stemNorm = try BatchNorm(64)
        var channels = 64
        layers = try kind.depths.enumerated().map { layer, depth in
            try (0..<depth).map { block in
                let width = 64 << layer
                defer { channels = width * kind.expansion }
                return try ResidualBlock(
                    kind, inputs: channels, width: width, stride: layer > 0 && block == 0 ? 2 : 1)
            }
        }
        classifier = try classes.map { try Linear(kind.features, $0) }
        forEachParameter("") { name, parameter in
            if parameter.shape.count == 4 { Initialisation.kaimingFanOut(parameter, seed: seed, name: name) }
            if parameter.shape.count == 2 {
                Initialisation.normal(parameter, deviation: 0.01, seed: seed, name: name)
            }
        }
    }

    /// `images` is N,H,W,3.
    public func activations(_ images: Tensor, _ pass: ForwardPass) throws -> Activations {
        var x = try stemConvolution(images, pass, norm: stemNorm, activation: .relu)
        x = try pass.maxPool(x, kernel: 3, stride: 2, padding: 1)
        let stem = x
        var outputs: [Tensor] = []
        for layer in layers {
            // What lies between two blocks of a layer is nobody else's.
            for (index, block) in layer.enumerated() { x = try block(x, pass, overwriting: index > 0) }
            outputs.append(x)
        }
        let features = try pass.globalAveragePool(x)
        return Activations(
            stem: stem, layers: outputs, lastLayer: x, features: features, logits: try classifier?(features, pass, result: .float32))
    }

    /// In training too, batch normalisation uses the running statistics and teaches them nothing.
    public var freezesBatchNorm: Bool {
        get { stemNorm.isFrozen }
        set {
            stemNorm.isFrozen = newValue
            for block in layers.joined() {
                for norm in block.norms { norm.isFrozen = newValue }
                block.projection?.norm.isFrozen = newValue
            }
        }
    }

    public func forEachParameter(_ prefix: String, _ body: (String, Parameter) throws -> Void) rethrows {
        try stemConvolution.forEachParameter(joinedName(prefix, "conv1"), body)
        try stemNorm.forEachParameter(joinedName(prefix, "bn1"), body)
        for (layer, blocks) in layers.enumerated() {
            for (index, block) in blocks.enumerated() {
                try block.forEachParameter(joinedName(prefix, "layer\(layer + 1).\(index)"), body)
            }
        }
        try classifier?.forEachParameter(joinedName(prefix, "fc"), body)
    }
}
