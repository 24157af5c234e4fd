import NeuralNetwork

/// Two logits a patch (background, foreground) from the encoder's tokens.
final class SegmentationDecoder: Module {
    private let kind: ToCoConfiguration.Decoder
    private let layers: [(name: String, convolution: Conv2d)]

    init(_ configuration: ToCoConfiguration) throws {
        let (inputs, width) = (configuration.encoder.width, configuration.decoderWidth)
        kind = configuration.decoder
        switch kind {
        case .largeFOV:
            let wide = ConvolutionGeometry(padding: 5, dilation: 5)
            layers = [
                ("conv6", try Conv2d(inputs, width, kernel: 3, geometry: wide)),
                ("conv7", try Conv2d(width, width, kernel: 3, geometry: wide)),
                ("conv8", try Conv2d(width, 2, kernel: 1, geometry: ConvolutionGeometry())),
            ]
        case .aspp:
            layers = try [6, 12, 18, 24].enumerated().map { index, dilation in
                let geometry = ConvolutionGeometry(padding: dilation, dilation: dilation)
                return ("c\(index)", try Conv2d(inputs, 2, kernel: 3, geometry: geometry, hasBias: true))
            }
        }
    }

    /// LargeFOV starts by fan in, ASPP from N(0, 0.01) with zero bias.
    func start(seed: UInt64, prefix: String) {
        forEachParameter(prefix) { name, parameter in
            guard parameter.shape.count == 4 else { return }
            switch kind {
            case .largeFOV: Initialisation.uniformFanIn(parameter, seed: seed, name: name)
            case .aspp: Initialisation.normal(parameter, deviation: 0.01, seed: seed, name: name)
            }
        }
    }

    /// `map` is N,h,w,C; N,h,w,2.
    func callAsFunction(_ map: Tensor, _ pass: ForwardPass) throws -> Tensor {
        switch kind {
        case .largeFOV:
            var x = map
            for layer in layers.dropLast() { x = try layer.convolution(x, pass, norm: nil, activation: .relu) }
            return try layers[layers.count - 1].convolution(x, pass, norm: nil, result: .float32)
        case .aspp:
            var sum = try layers[0].convolution(map, pass, norm: nil, result: .float32)
            for layer in layers.dropFirst() {
                sum = try pass.sum(sum, layer.convolution(map, pass, norm: nil, result: .float32))
            }
            return sum
        }
    }

    func forEachParameter(_ prefix: String, _ body: (String, Parameter) throws -> Void) rethrows {
        for layer in layers { try layer.convolution.forEachParameter(joinedName(prefix, layer.name), body) }
    }
}
