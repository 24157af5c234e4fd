import COneDNN

/// Watches what a network's linear layers and convolutions read, in fp32: first how large it gets, then what 8 bits do to
/// each layer's sums. Belongs to one thread.
///
///     let calibrator = Calibrator(network)
///     for image in images { try network(image, calibrator.pass) }
///     try calibrator.measure()
///     for image in some { try network(image, calibrator.pass) }
///     let calibration = try calibrator.calibration(network: "toco", parameters: digest, images: images.count)
public final class Calibrator {
    /// What was seen of one layer.
    private struct Seen {
        var name: String
        var outputs: Int
        var magnitudes = MagnitudeHistogram()
        var signal = 0.0
        var noise = 0.0

        func layer(_ limits: Limits) -> Calibration.Layer {
            let isSigned = magnitudes.hasNegative
            return Calibration.Layer(
                name: name, isSigned: isSigned,
                limit: limits == .greatest && magnitudes.greatest > 0
                    ? magnitudes.greatest : magnitudes.bestLimit(levels: isSigned ? 127 : 255),
                greatest: magnitudes.greatest,
                signalToNoise: signal > 0 ? Double.decibels(signal / max(noise, signal * 1e-12)) : 0, kept: nil)
        }
    }

    /// Up to which magnitude a layer's activations are told apart.
    package enum Limits: Sendable {
        /// That which leaves the least mean square error.
        case leastError
        /// The largest seen: for networks whose few largest tokens decide, as maps of a vision transformer do.
        case greatest
    }

    private let network: any Module
    private let limits: Limits
    private var names: [ObjectIdentifier: String] = [:]
    private var seen: [ObjectIdentifier: Seen] = [:]
    /// In the order of their first call.
    private var order: [ObjectIdentifier] = []
    /// Layers in 8 bits, once they are measured.
    private var quantised: QuantisedNetwork?

    /// A layer stays as it is where its own error is above a hundredth of its result's energy.
    public static let minimumSignalToNoise = 20.0
    /// Layers with fewer outputs stay as they are: the heads, whose numbers are the network's answer.
    public static let fewestOutputs = 16

    package init(_ network: any Module, limits: Limits = .leastError) {
        self.network = network
        self.limits = limits
        var names: [ObjectIdentifier: String] = [:]
        network.forEachParameter("") { name, parameter in names[ObjectIdentifier(parameter)] = name }
        self.names = names
    }

    /// A pass whose layers are watched.
    package var pass: ForwardPass { ForwardPass(inferringIn: .float32, .watched(self)) }

    /// Ranges are known: from now on each layer's sums are compared with those of 8 bits.
    package func measure() throws {
        quantised = try QuantisedNetwork(all: order.compactMap { seen[$0]?.layer(limits) }, of: network)
    }

    func see(_ product: LayerProduct, _ weights: LayerWeights, source: UnsafeRawPointer) throws {
        guard product.isDense, product.precision == .float32, let name = names[weights.identity] else { return }
        if let quantised {
            guard let layer = quantised[weights.identity] else { return }
            try compare(product.bare, weights, with: layer, source: source)
        } else {
            if seen[weights.identity] == nil {
                order.append(weights.identity)
                seen[weights.identity] = Seen(name: name, outputs: product.outputs)
            }
            seen[weights.identity]?.magnitudes.add(
                source.assumingMemoryBound(to: Float.self), count: product.sourceCount)
        }
    }

    private func compare(
        _ product: LayerProduct, _ weights: LayerWeights, with layer: QuantisedLayer, source: UnsafeRawPointer
    ) throws {
        let (exact, rounded) = (
            try PooledMemory(bytes: product.resultCount * 4), try PooledMemory(bytes: product.resultCount * 4)
        )
        let bare = LayerWeights(weights, bias: nil)
        try LayerArithmetic.runPlain(product, bare, source: source, result: exact.base)
        try layer.run(product, bare, source: source, result: rounded.base)
        var (signal, noise) = (0.0, 0.0)
        for index in 0..<product.resultCount {
            let (wanted, made) = (Double(exact.floats[index]), Double(rounded.floats[index]))
            signal += wanted * wanted
            noise += (wanted - made) * (wanted - made)
        }
        seen[weights.identity]?.signal += signal
        seen[weights.identity]?.noise += noise
    }

    /// What was learnt. The first layer stays as it is (it reads the image itself), as do those with few outputs and those
    /// that 8 bits would disturb.
    ///
    /// Throws `EngineError.notFinite` where a layer read no numbers, `.invalidOption` where nothing was seen or measured.
    package func calibration(
        network name: String, parameters: String, images: Int, minimumSignalToNoise: Double = minimumSignalToNoise
    ) throws -> Calibration {
        guard !order.isEmpty, quantised != nil else {
            throw EngineError(.invalidOption, "a calibration needs images: none was seen")
        }
        let layers = try order.enumerated().compactMap { place, identity -> Calibration.Layer? in
            guard let seen = seen[identity] else { return nil }
            guard seen.magnitudes.notFinite == 0 else {
                throw EngineError(.notFinite, "\(seen.name) read what is no number: look at the weights and the images")
            }
            var layer = seen.layer(limits)
            if place == 0 {
                layer.kept = "first"
            } else if seen.outputs < Self.fewestOutputs {
                layer.kept = "few-outputs"
            } else if layer.signalToNoise < minimumSignalToNoise {
                layer.kept = "sensitive"
            }
            return layer
        }
        return Calibration(
            network: name, parameters: parameters, images: images, minimumSignalToNoise: minimumSignalToNoise, layers: layers)
    }
}

extension LayerWeights {
    /// The same with another bias.
    init(_ other: LayerWeights, bias: UnsafeRawPointer?) {
        (identity, plain, version, packed) = (other.identity, other.plain, other.version, other.packed)
        self.bias = bias
    }
}
