import Digest

/// A frozen network's layers in 8 bits, as a calibration says. Shared by all threads that run the network.
public final class QuantisedNetwork: Sendable {
    private let layers: [ObjectIdentifier: QuantisedLayer]

    /// `calibration` of just these parameters: `network` has taken them over.
    ///
    /// Throws `EngineError.invalidOption` for a calibration of other weights or another network, and `.unsupported` on a
    /// processor without 8-bit products.
    package init(_ calibration: Calibration, of network: any Module, named name: String, parameters: ParameterSet) throws {
        try Self.requireProcessor()
        try calibration.require(network: name, parameters: parameters.digest.hex)
        layers = try Self.layers(calibration.layers.filter { $0.kept == nil }, of: network)
    }

    /// All layers named, for a calibrator that measures them.
    init(all layers: [Calibration.Layer], of network: any Module) throws {
        try Self.requireProcessor()
        self.layers = try Self.layers(layers, of: network)
    }

    private static func requireProcessor() throws {
        guard EngineSetup.hasInt8 else {
            throw EngineError(
                .unsupported,
                "this processor (\(EngineSetup.instructionSet)) does not multiply 8-bit numbers exactly: use bf16 or fp32")
        }
    }

    private static func layers(
        _ wanted: [Calibration.Layer], of network: any Module
    ) throws -> [ObjectIdentifier: QuantisedLayer] {
        var parameters: [String: ObjectIdentifier] = [:]
        network.forEachParameter("") { name, parameter in parameters[name] = ObjectIdentifier(parameter) }
        var layers: [ObjectIdentifier: QuantisedLayer] = [:]
        for layer in wanted {
            guard let identity = parameters[layer.name] else {
                throw EngineError(
                    .invalidOption, "the calibration tells of \(layer.name), which the network lacks: calibrate again")
            }
            layers[identity] = QuantisedLayer(limit: layer.limit, isSigned: layer.isSigned)
        }
        return layers
    }

    /// The layer with this parameter; nil where it stays in the pass's own precision.
    subscript(parameter: ObjectIdentifier) -> QuantisedLayer? { layers[parameter] }
}
