import Foundation
import NeuralNetwork

/// A convolution with its normalisation, a linear layer and a head: something to quantise.
final class TwoLayers: Module {
    let convolution: Conv2d
    let norm: BatchNorm
    let linear: Linear
    let head: Linear

    init(kernel: Int = 3, stride: Int = 1) throws {
        let geometry = ConvolutionGeometry(stride: stride, padding: kernel / 2)
        convolution = try Conv2d(8, 32, kernel: kernel, geometry: geometry, hasBias: true)
        norm = try BatchNorm(32)
        linear = try Linear(32, 48)
        head = try Linear(48, 2)
        forEachParameter("") { name, parameter in
            let seed = UInt64(name.utf8.reduce(7) { $0 &* 31 &+ Int($1) } & 0xFFFF)
            parameter.set(FiniteDifference.numbers(parameter.count, seed: seed).map { name.contains("var") ? 1 + abs($0) : $0 / 2 })
        }
    }

    func forEachParameter(_ prefix: String, _ body: (String, Parameter) throws -> Void) rethrows {
        try convolution.forEachParameter(joinedName(prefix, "convolution"), body)
        try norm.forEachParameter(joinedName(prefix, "norm"), body)
        try linear.forEachParameter(joinedName(prefix, "linear"), body)
        try head.forEachParameter(joinedName(prefix, "head"), body)
    }

    func callAsFunction(_ x: Tensor, _ pass: ForwardPass) throws -> Tensor {
        let y = try convolution(x, pass, norm: norm, activation: .relu)
        return try head(linear(y, pass), pass, result: .float32)
    }

    /// A calibration of this network with the layers given, as a file would say it.
    func calibration(_ layers: [(name: String, limit: Float, isSigned: Bool)]) throws -> Calibration {
        let list = layers.map { layer -> [String: Any] in
            [
                "name": layer.name, "limit": layer.limit, "greatest": layer.limit, "isSigned": layer.isSigned,
                "signalToNoise": 40,
            ]
        }
        let file: [String: Any] = [
            "format": "endoked-calibration", "version": 1, "network": "two", "parameters": "\(try parameters().digest)",
            "images": 1, "minimumSignalToNoise": 20, "layers": list,
        ]
        return try Calibration(decoding: JSONSerialization.data(withJSONObject: file))
    }
}
