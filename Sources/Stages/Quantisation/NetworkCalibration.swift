import Digest
import Foundation
import Models
import NeuralNetwork

/// Runs a network in fp32 over pictures and learns how its layers may compute in 8 bits.
public enum NetworkCalibration {
    /// How many of the pictures are run again to measure each layer's noise.
    static let measured = 16

    /// - Parameters:
    ///   - side: of the square that a picture is brought to, as the stages do it.
    ///   - minimumSignalToNoise: in dB; layers below it stay in bf16 or fp32.
    ///   - progress: told after each picture of how many.
    /// - Throws: `StageError`, `ParameterError`, `EngineError`.
    public static func run(
        _ weights: NetworkWeights, pictures: PictureFolder, side: Int,
        minimumSignalToNoise: Double = Calibrator.minimumSignalToNoise, progress: (Int, Int) -> Void = { _, _ in }
    ) throws -> Calibration {
        let (network, (module, forward)) = (weights.network, try weights.made())
        let calibrator = Calibrator(module, limits: network.limits)
        let count = pictures.names.count
        let again = min(measured, count)
        for index in 0..<count {
            try forward(network.input(pictures.image(index), side: side).tensor, calibrator.pass)
            progress(index + 1, count + again)
        }
        try calibrator.measure()
        for index in 0..<again {
            try forward(network.input(pictures.image(index * count / again), side: side).tensor, calibrator.pass)
            progress(count + index + 1, count + again)
        }
        return try calibrator.calibration(
            network: network.rawValue, parameters: weights.parameters.digest.hex, images: count,
            minimumSignalToNoise: minimumSignalToNoise)
    }
}
