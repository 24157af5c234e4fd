import NeuralNetwork

/// Polyp-PVT's camouflage identification module (CIM): the finest map times an attention over channels, then times one
/// over pixels.
final class CamouflageIdentification: Module {
    let squeeze: Conv2d
    let excite: Conv2d
    let pixels: Conv2d

    init(channels: Int) throws {
        let point = ConvolutionGeometry()
        squeeze = try Conv2d(channels, channels / 16, kernel: 1, geometry: point)
        excite = try Conv2d(channels / 16, channels, kernel: 1, geometry: point)
        pixels = try Conv2d(2, 1, kernel: 7, geometry: ConvolutionGeometry(padding: 3))
    }

    func callAsFunction(_ map: Tensor, _ pass: ForwardPass) throws -> Tensor {
        let x = try pass.float32(map)
        let channelLogits = try pass.sum(
            excited(pass.globalMeanPool(x), pass), excited(pass.globalMaxPool(x), pass))
        let y = try pass.product(x, perChannel: pass.sigmoid(channelLogits))
        let statistics = try pass.concatenatedChannels([pass.channelMean(y), pass.channelMaximum(y)])
        return try pass.product(y, perPixel: pass.sigmoid(pixels(statistics, pass, norm: nil, result: .float32)))
    }

    private func excited(_ pooled: Tensor, _ pass: ForwardPass) throws -> Tensor {
        try excite(squeeze(pooled, pass, norm: nil, activation: .relu), pass, norm: nil, result: .float32)
    }

    /// `ca` and `sa` lie beside each other in the reference's network.
    func forEachParameter(_ prefix: String, _ body: (String, Parameter) throws -> Void) rethrows {
        try squeeze.forEachParameter(joinedName(prefix, "ca.fc1"), body)
        try excite.forEachParameter(joinedName(prefix, "ca.fc2"), body)
        try pixels.forEachParameter(joinedName(prefix, "sa.conv1"), body)
    }
}
