import Foundation
import Models
import NeuralNetwork
import Testing

@Suite struct ToCoNetworkTests {
    @Test func namesAreTheReferences() throws {
        let set = try ToCoNetwork(ToCoTrainerTests.configuration, seed: 1).parameters()
        for (name, shape) in [
            ("encoder.blocks.2.attn.proj.bias", [24]), ("classifier.weight", [1, 24, 1, 1]),
            ("aux_classifier.weight", [1, 24, 1, 1]), ("decoder.conv6.weight", [16, 24, 3, 3]),
            ("decoder.conv8.weight", [2, 16, 1, 1]), ("proj_head.mlp.4.weight", [16, 32]),
            ("proj_head_t.last_layer.weight_v", [24, 16]), ("proj_head.last_layer.weight_g", [24, 1]),
        ] { #expect(set[name]?.shape == shape, "\(name)") }
        #expect(set["proj_head.mlp.0.weight"]?.values == set["proj_head_t.mlp.0.weight"]?.values)
        var configuration = ToCoTrainerTests.configuration
        configuration.decoder = .aspp
        let aspp = try ToCoNetwork(configuration, seed: 1).parameters()
        #expect(aspp["decoder.c3.weight"]?.shape == [2, 24, 3, 3] && aspp["decoder.c0.bias"]?.values == [0, 0])
    }

    @Test(arguments: ToCoConfiguration.Decoder.allCases) func everyPartSeesThePatches(decoder: ToCoConfiguration.Decoder) throws {
        var configuration = ToCoTrainerTests.configuration
        configuration.decoder = decoder
        let network = try ToCoNetwork(configuration, seed: 1)
        let pass = ForwardPass(.evaluation)
        let features = try network.features(ToCoTrainerTests.batch(0).images, pass)
        #expect(features.classToken.shape == [4, 24] && features.map.shape == [4, 8, 8, 24])
        #expect(try network.classLogits(features.map, pass).shape == [4, 1])
        #expect(try network.activationMaps(features, pass).auxiliary.shape == [4, 8, 8, 1])
        #expect(try network.segmentation(features.map, pass).shape == [4, 8, 8, 2])
    }

    @Test func checkpointsMayHoldMoreThanIsWanted() throws {
        let full = try ToCoNetwork(ToCoTrainerTests.configuration, seed: 2)
        var entries = try full.parameters().entries
        entries.append(.init(name: "encoder.head.weight", shape: [3, 24], values: [Float](repeating: 0, count: 72)))
        var configuration = ToCoTrainerTests.configuration
        configuration.hasProjections = false
        let network = try ToCoNetwork(configuration, seed: nil)
        let leftOut = try network.loadCheckpoint(ParameterSet(entries: entries))
        #expect(leftOut.count == 17 && leftOut.contains("encoder.head.weight") && leftOut.contains("proj_head_t.mlp.2.bias"))
        #expect(try network.parameters()["decoder.conv7.weight"] == full.parameters()["decoder.conv7.weight"])
        entries.removeAll { $0.name == "classifier.weight" }
        #expect(throws: ParameterError.self) { try network.loadCheckpoint(ParameterSet(entries: entries)) }
        let encoder = try VisionTransformer(configuration.encoder, seed: 9)
        try network.loadCheckpoint(encoder.parameters(), encoderOnly: true)
        #expect(try network.encoder.parameters() == encoder.parameters())
    }

    /// The map of a mirror image is the mirror image's map, and threads that share a localiser agree to the bit.
    @Test func localisersAreSharedByThreads() throws {
        // As slots do: without AVX-512 the last bits of a product depend on how many threads share it.
        let before = ComputeThreads.current
        ComputeThreads.set(1)
        defer { ComputeThreads.set(before) }
        let network = try ToCoNetwork(ToCoTrainerTests.configuration, seed: 3)
        GoldenFormula.fill(network)
        let localiser = try ToCoLocaliser(
            network.parameters(), configuration: ToCoTrainerTests.configuration,
            normalisation: ColourNormalisation(mean: [0.5, 0.5, 0.5], deviation: [0.25, 0.25, 0.25]))
        var random = CounterRandom(seed: 5)
        let (height, width) = (24, 40)
        let rgb = (0..<height * width * 3).map { _ in UInt8(random.uniform() * 255) }
        let mirrored = (0..<rgb.count).map { place in
            rgb[(place / (width * 3) * width + width - 1 - place / 3 % width) * 3 + place % 3]
        }
        let first = try localiser.localise(rgb: rgb, height: height, width: width)
        let other = try localiser.localise(rgb: mirrored, height: height, width: width)
        for y in 0..<height {
            for x in 0..<width {
                #expect(abs(first.map[y * width + x] - other.map[y * width + width - 1 - x]) < 1e-4)
            }
        }
        let found = Mutexed<[ToCoLocaliser.Localisation]>([])
        DispatchQueue.concurrentPerform(iterations: 4) { _ in
            ComputeThreads.set(1)
            if let seen = try? localiser.localise(rgb: rgb, height: height, width: width) { found.append(seen) }
        }
        #expect(found.values.count == 4 && found.values.allSatisfy { $0 == first })
        #expect(throws: EngineError.self) { try localiser.localise(rgb: rgb, height: 4, width: width * 6) }
        #expect(throws: EngineError.self) { try localiser.localise(rgb: [1, 2, 3], height: height, width: width) }
    }

    @Test(.enabled(if: EngineSetup.hasBFloat16, "the processor has no bf16")) func bf16SeesAboutTheSame() throws {
        let network = try ToCoNetwork(ToCoTrainerTests.configuration, seed: 3)
        GoldenFormula.fill(network)
        let images = try ToCoTrainerTests.batch(1).images
        func map(_ precision: Precision) throws -> [Float] {
            let pass = ForwardPass(.evaluation, precision: precision)
            return try network.activationMaps(network.features(images, pass), pass).main.values
        }
        let (full, half) = (try map(.float32), try map(.bfloat16))
        let apart = zip(full, half).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
        let size = full.reduce(0) { $0 + $1 * $1 }
        #expect(full != half && (apart / size).squareRoot() < 2e-2)
    }

    /// The logit is the mean of the map's highest numbers, plus a part of that of its lowest, and so is its gradient theirs
    /// alone.
    @Test(arguments: [0, 0.5]) func topPatchesDecideAboutTheImage(lowestWeight: Double) throws {
        var configuration = ToCoTrainerTests.configuration
        (configuration.pooling, configuration.pooledShare) = (.topPatches, 0.05)
        configuration.lowestWeight = lowestWeight
        let part = Float(lowestWeight)
        let network = try ToCoNetwork(configuration, seed: 1)
        let (images, width) = (2, 24)
        var random = CounterRandom(seed: 8)
        let map = try Tensor((0..<images * 64 * width).map { _ in Float(random.uniform() - 0.5) }, shape: [images, 8, 8, width])
        let weights = try #require(network.parameters()["classifier.weight"]?.values)
        let tape = Tape()
        tape.watch(map)
        let pass = ForwardPass(.training, recordingOn: tape)
        let logits = try network.classLogits(map, pass)
        try tape.backward(from: [(logits, Tensor([1, -2], shape: [2, 1]))])
        let gradient = try #require(tape.gradient(of: map)).values
        for image in 0..<images {
            let numbers = (0..<64).map { patch in
                (0..<width).reduce(0) { $0 + map.values[(image * 64 + patch) * width + $1] * weights[$1] }
            }
            let sorted = numbers.indices.sorted { numbers[$0] > numbers[$1] }
            let (best, worst) = (sorted.prefix(3), sorted.suffix(3))  // Of 64 patches a twentieth.
            func mean(_ patches: some Sequence<Int>) -> Float { patches.reduce(0) { $0 + numbers[$1] / 3 } }
            #expect(abs(logits.values[image] - mean(best) - part * mean(worst)) < 1e-5)
            for patch in 0..<64 {
                let counts: Float = best.contains(patch) ? 1 : worst.contains(patch) ? part : 0
                let wanted = counts * weights[5] / 3 * (image == 0 ? 1 : -2)
                #expect(abs(gradient[(image * 64 + patch) * width + 5] - wanted) < 1e-6, "\(image), \(patch)")
            }
        }
        let inference = try network.classLogits(map, ForwardPass(.evaluation))
        #expect(zip(inference.values, logits.values).allSatisfy { abs($0 - $1) < 1e-5 })
    }

    @Test func refusesConfigurationsThatMakeNoNetwork() {
        var configuration = ToCoTrainerTests.configuration
        configuration.auxiliaryLayer = -5  // Of three blocks, −4 is what comes before them.
        #expect(throws: EngineError.self) { try ToCoNetwork(configuration, seed: 1) }
        configuration = ToCoTrainerTests.configuration
        configuration.projection = [1]
        #expect(throws: EngineError.self) { try ToCoNetwork(configuration, seed: 1) }
        configuration = ToCoTrainerTests.configuration
        configuration.pooledShare = 0
        #expect(throws: EngineError.self) { try ToCoNetwork(configuration, seed: 1) }
        configuration = ToCoTrainerTests.configuration
        configuration.lowestWeight = 2
        #expect(throws: EngineError.self) { try ToCoNetwork(configuration, seed: 1) }
    }
}

/// Values that several threads gather.
final class Mutexed<Value: Sendable>: @unchecked Sendable {
    // `@unchecked`: the array is only touched under the lock.
    private let lock = NSLock()
    private var gathered: Value

    init(_ value: Value) { gathered = value }

    var values: Value { lock.withLock { gathered } }

    func append<Element>(_ element: Element) where Value == [Element] { lock.withLock { gathered.append(element) } }
}
