import Foundation

/// What a network's linear layers and convolutions read, seen on a folder of images, for inference in 8 bits.
///
/// Kept as JSON: `format` ("endoked-calibration"), `version` (1), `network`, `parameters` (the SHA-256 of the weights),
/// `images` (how many were seen), `minimumSignalToNoise` (dB), and `layers` in the order in which the network runs them:
/// `name` (of the weight), `isSigned`, `limit` (the largest magnitude that is told apart), `greatest` (the largest seen),
/// `signalToNoise` (dB, of the layer's sums when only it computes in 8 bits), and `kept`, the reason why a layer stays in
/// bf16 or fp32, absent where it does not.
public struct Calibration: Sendable, Equatable, Codable {
    public struct Layer: Sendable, Equatable, Codable {
        public var name: String
        public var isSigned: Bool
        public var limit: Float
        public var greatest: Float
        public var signalToNoise: Double
        public var kept: String?
    }

    public var format = "endoked-calibration"
    public var version = 1
    public var network: String
    public var parameters: String
    public var images: Int
    public var minimumSignalToNoise: Double
    public var layers: [Layer]

    /// Layers that compute in 8 bits.
    public var quantisedCount: Int { layers.count { $0.kept == nil } }

    /// Throws `EngineError.invalidOption` that says what is wrong with the file.
    public init(decoding data: Data) throws {
        do {
            self = try JSONDecoder().decode(Calibration.self, from: data)
        } catch let error as DecodingError {
            let detail =
                switch error {
                case .keyNotFound(let key, _): "\(key.stringValue) is missing"
                case .typeMismatch(_, let context), .valueNotFound(_, let context):
                    context.codingPath.map(\.stringValue).joined(separator: ".") + ": " + context.debugDescription
                default: "it is no JSON"
                }
            throw EngineError(.invalidOption, "not a calibration (\(detail)): make one with `endoked calibrate`")
        }
        guard format == "endoked-calibration", version == 1 else {
            throw EngineError(
                .invalidOption, "a file of format \(format) \(version), not a calibration of version 1: `endoked calibrate` makes one")
        }
        for layer in layers {
            guard layer.limit > 0, layer.limit.isFinite, !layer.name.isEmpty else {
                throw EngineError(.invalidOption, "the calibration of layer \(layer.name) has limit \(layer.limit): calibrate again")
            }
        }
        guard Set(layers.map(\.name)).count == layers.count else {
            throw EngineError(.invalidOption, "the calibration tells of one layer twice: calibrate again")
        }
    }

    init(network: String, parameters: String, images: Int, minimumSignalToNoise: Double, layers: [Layer]) {
        self.network = network
        self.parameters = parameters
        self.images = images
        self.minimumSignalToNoise = minimumSignalToNoise
        self.layers = layers
    }

    /// As JSON, the same bytes for equal values.
    public func encoded() throws -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
        return try encoder.encode(self)
    }

    /// Throws `EngineError.invalidOption` unless it is of `network` and of the weights with the digest `parameters`.
    public func require(network: String, parameters: String) throws {
        guard self.network == network else {
            throw EngineError(
                .invalidOption, "the calibration is of a network \(self.network), not of \(network): calibrate this one")
        }
        guard self.parameters == parameters else {
            throw EngineError(
                .invalidOption,
                "the calibration belongs to other weights (\(self.parameters.prefix(12))…, these are "
                    + "\(parameters.prefix(12))…): run `endoked calibrate` with these")
        }
    }
}
