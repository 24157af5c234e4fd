import Foundation
import NeuralNetwork
import Testing

@Suite(.enabled(if: EngineSetup.hasInt8, "the processor has no exact 8-bit products")) struct CalibrationTests {
    private static func calibrated(
        _ network: TwoLayers, _ x: [Float], minimum: Double = Calibrator.minimumSignalToNoise
    ) throws -> Calibration {
        let calibrator = Calibrator(network)
        let input = try Tensor(x, shape: [1, 8, 8, 8])
        _ = try network(input, calibrator.pass)
        try calibrator.measure()
        _ = try network(input, calibrator.pass)
        return try calibrator.calibration(
            network: "two", parameters: "\(network.parameters().digest)", images: 1, minimumSignalToNoise: minimum)
    }

    private static let x = FiniteDifference.numbers(512, seed: 12)

    @Test func layersAreFoundInTheirOrderWithTheirRanges() throws {
        let network = try TwoLayers()
        let made = try Self.calibrated(network, Self.x)
        #expect(made.layers.map(\.name) == ["convolution.weight", "linear.weight", "head.weight"])
        #expect(made.layers.map(\.isSigned) == [true, false, true])
        #expect(made.layers.map(\.kept) == ["first", nil, "few-outputs"])
        #expect(made.quantisedCount == 1)
        let greatest = Self.x.reduce(Float(0)) { max($0, abs($1)) }
        #expect(made.layers[0].greatest == greatest)
        // Numbers spread evenly lose by any limit much below the greatest.
        #expect(made.layers[0].limit > 0.95 * greatest && made.layers[0].limit <= greatest)
        #expect(made.layers.allSatisfy { $0.signalToNoise > 25 && $0.signalToNoise < 70 })
    }

    /// One number far out would take the steps from all others.
    @Test func anOutlierDoesNotSetTheLimit() throws {
        var x = Self.x
        x[77] = 400
        var wide = try Self.calibrated(TwoLayers(), x)
        #expect(wide.layers[0].greatest == 400)
        #expect(wide.layers[0].limit == 400)  // 1 / 512 of the numbers holds nearly all of the energy
        x[77] = 6
        wide = try Self.calibrated(TwoLayers(), x)
        #expect(wide.layers[0].greatest == 6)
        #expect(wide.layers[0].limit <= 6)
    }

    /// Of a network that saw a pile of numbers and a thin tail that ends at 2.
    private static func thinTail(_ calibrator: Calibrator, _ network: TwoLayers) throws -> Calibration {
        var x = FiniteDifference.numbers(512 * 64, seed: 13).map { $0 * 0.5 }
        x[5] = 2
        _ = try network(Tensor(x, shape: [64, 8, 8, 8]), calibrator.pass)
        try calibrator.measure()
        _ = try network(Tensor(x, shape: [64, 8, 8, 8]), calibrator.pass)
        return try calibrator.calibration(network: "two", parameters: "0", images: 64)
    }

    /// The tail is worth less than the pile's steps.
    @Test func aThinTailIsCut() throws {
        let network = try TwoLayers()
        let made = try Self.thinTail(Calibrator(network), network)
        #expect(made.layers[0].greatest == 2)
        #expect(made.layers[0].limit < 1.9 && made.layers[0].limit > 0.5)
    }

    /// Where the few largest decide, nothing is cut.
    @Test func theGreatestIsTheLimitWhereSoAsked() throws {
        let network = try TwoLayers()
        let made = try Self.thinTail(Calibrator(network, limits: .greatest), network)
        #expect(made.layers[0].limit == 2 && made.layers.allSatisfy { $0.limit == $0.greatest })
    }

    /// The rounded weights are all that a linear layer in 8 bits needs.
    @Test func roundedWeightsAreEnough() throws {
        let network = try TwoLayers()
        let calibration = try network.calibration([("linear.weight", 3, true)])
        let input = try Tensor(Self.x, shape: [1, 8, 8, 8])
        func quantised() throws -> QuantisedNetwork {
            try QuantisedNetwork(calibration, of: network, named: "two", parameters: network.parameters())
        }
        let before = try network(input, ForwardPass(inferringIn: .float32, quantised())).values
        let plain = try network(input, ForwardPass(.evaluation)).values
        let later = try quantised()
        try network.linear.keepOnlyPacked(rows: [64], precision: .float32, later)
        #expect(network.linear.weight.values.isEmpty)
        #expect(try network(input, ForwardPass(inferringIn: .float32, later)).values == before && before != plain)
    }

    @Test func layersBelowTheLimitOfNoiseStay() throws {
        let made = try Self.calibrated(TwoLayers(), Self.x, minimum: 100)
        #expect(made.layers.map(\.kept) == ["first", "sensitive", "few-outputs"])
        #expect(made.quantisedCount == 0)
    }

    @Test func whatIsNoNumberIsRefused() throws {
        var x = Self.x
        x[3] = .nan
        let error = #expect(throws: EngineError.self) { try Self.calibrated(TwoLayers(), x) }
        #expect(error?.code == .notFinite && error?.message.contains("convolution.weight") == true)
        let empty = #expect(throws: EngineError.self) {
            try Calibrator(TwoLayers()).calibration(network: "two", parameters: "", images: 0)
        }
        #expect(empty?.code == .invalidOption)
    }

    @Test func filesComeBackAsTheyWere() throws {
        let made = try Self.calibrated(TwoLayers(), Self.x)
        let bytes = try made.encoded()
        #expect(try Calibration(decoding: bytes) == made)
        #expect(try Calibration(decoding: bytes).encoded() == bytes)
        let text = String(decoding: bytes, as: UTF8.self)
        for (old, new, reason) in [
            ("endoked-calibration", "something", "not a calibration"), ("\"version\" : 1", "\"version\" : 2", "version 1"),
            ("\"limit\" : ", "\"limit\" : -", "limit -"), ("\"images\"", "\"pictures\"", "images is missing"),
            ("linear.weight", "head.weight", "twice"), ("{", "[", "no JSON"),
        ] {
            let broken = text.replacingOccurrences(of: old, with: new)
            #expect(broken != text)
            let error = #expect(throws: EngineError.self, "\(new)") { try Calibration(decoding: Data(broken.utf8)) }
            #expect(error?.message.contains(reason) == true, "\(error?.message ?? "")")
        }
    }

    @Test func otherWeightsAndOtherNetworksAreRefused() throws {
        let network = try TwoLayers()
        let made = try Self.calibrated(network, Self.x)
        _ = try QuantisedNetwork(made, of: network, named: "two", parameters: network.parameters())
        network.head.weight.set(FiniteDifference.numbers(96, seed: 99))
        let other = #expect(throws: EngineError.self) {
            try QuantisedNetwork(made, of: network, named: "two", parameters: network.parameters())
        }
        #expect(other?.message.contains("belongs to other weights") == true)
        let network2 = try TwoLayers()
        let name = #expect(throws: EngineError.self) {
            try QuantisedNetwork(made, of: network2, named: "three", parameters: network2.parameters())
        }
        #expect(name?.message.contains("of a network two, not of three") == true)
        let lacking = try network2.calibration([("nowhere.weight", 1, true)])
        let missing = #expect(throws: EngineError.self) {
            try QuantisedNetwork(lacking, of: network2, named: "two", parameters: network2.parameters())
        }
        #expect(missing?.message.contains("nowhere.weight") == true)
    }

    /// The whole network, calibrated on what it reads: near, and not the same.
    @Test func answersStayNear() throws {
        let network = try TwoLayers()
        let made = try Self.calibrated(network, Self.x)
        let quantised = try QuantisedNetwork(made, of: network, named: "two", parameters: network.parameters())
        let input = try Tensor(Self.x, shape: [1, 8, 8, 8])
        let full = try network(input, ForwardPass(.evaluation)).values
        let small = try network(input, ForwardPass(inferringIn: .float32, quantised)).values
        let noise = zip(full, small).reduce(Float(0)) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
        let signal = full.reduce(Float(0)) { $0 + $1 * $1 }
        #expect(noise > 0 && noise < 1e-3 * signal)
    }
}
