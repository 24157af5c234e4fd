import Foundation
import Models
import NeuralNetwork
import Testing

@Suite struct MILScorerTests {
    static let configuration = MILConfiguration(teacherHidden: 64, studentHidden: 96)

    /// A network with parameters of ordinary size, so that its outputs differ from image to image.
    static func network(_ configuration: MILConfiguration = configuration) throws -> MILNetwork {
        let network = try MILNetwork(configuration, seed: 1)
        GoldenFormula.fill(network)
        return network
    }

    static func pixels(_ count: Int, seed: UInt64) -> [UInt8] {
        var random = CounterRandom(seed: seed)
        return (0..<count).map { _ in UInt8(truncatingIfNeeded: random.next()) }
    }

    static func normalisation() throws -> ColourNormalisation {
        try ColourNormalisation(mean: [0.47, 0.30, 0.19], deviation: [0.28, 0.21, 0.16])
    }

    @Test(arguments: [EncoderKind.resNet18, .resNet50, EncoderKind(EfficientNetLiteSize.efficientNetLite0)])
    func agreesWithTheNetworkItWasMadeFrom(kind: EncoderKind) throws {
        var configuration = Self.configuration
        configuration.encoder = kind
        let network = try Self.network(configuration)
        let rgb = Self.pixels(3 * 64 * 96 * 3, seed: 2)
        let images = try Tensor.images(rgb: rgb, count: 3, height: 64, width: 96, normalisation: Self.normalisation())
        let expected = try network.evaluate(images: images)
        let scorer = try MILScorer(
            network.parameters(), configuration: configuration, normalisation: Self.normalisation())
        let seen = try scorer.score(rgb: rgb, count: 3, height: 64, width: 96)
        func close(_ a: [Float], _ b: [Float]) -> Bool {
            a.count == b.count && zip(a, b).allSatisfy { abs($0 - $1) <= 1e-4 * max(1, abs($1)) }
        }
        #expect(close(seen.attention, expected.attention.scores))
        #expect(close(seen.dsmil, expected.dsmil.scores))
        #expect(close(seen.student, expected.student))
        #expect(close([seen.attentionBag, seen.dsmilBag], [expected.attention.bagProbability, expected.dsmil.bagProbability]))
        #expect(Set(seen.student).count == 3)
    }

    @Test(arguments: Precision.allCases) func scoresDependOnTheImageAlone(precision: Precision) throws {
        guard precision == .float32 || EngineSetup.hasBFloat16 else { try Test.cancel("the processor does not multiply bf16") }
        let scorer = try MILScorer(Self.network(), normalisation: Self.normalisation(), precision: precision)
        let rgb = Self.pixels(5 * 64 * 64 * 3, seed: 3)
        let together = try scorer.score(rgb: rgb, count: 5, height: 64, width: 64)
        let width = configuration(scorer)
        for index in [0, 4] {
            let one = Array(rgb[index * 64 * 64 * 3..<(index + 1) * 64 * 64 * 3])
            let alone = try scorer.score(rgb: one, count: 1, height: 64, width: 64)
            #expect(alone.features == Array(together.features[index * width..<(index + 1) * width]))
            // Without AVX-512 the library's product of a single row adds in another order than that of several: last bits.
            let tolerance: Float = EngineSetup.instructionSet.hasPrefix("avx512") ? 0 : 1e-6
            #expect(abs(alone.student[0] - together.student[index]) <= tolerance)
            #expect(abs(alone.attention[0] - together.attention[index]) <= tolerance)
        }
    }

    private func configuration(_ scorer: MILScorer) -> Int { scorer.configuration.encoder.features }

    @Test func slotsShareOneScorerAndAgree() async throws {
        let scorer = try MILScorer(Self.network(), normalisation: Self.normalisation())
        let rgb = Self.pixels(2 * 64 * 64 * 3, seed: 4)
        let results = try await withThrowingTaskGroup(of: MILScores.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    ComputeThreads.set(1)
                    return try scorer.score(rgb: rgb, count: 2, height: 64, width: 64)
                }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(results.count == 8)
        #expect(results.allSatisfy { $0 == results[0] })
    }

    /// The map's weights are the gradient of the logit: compared with the tape's, from the features on.
    @Test func activationMapFollowsTheGradient() throws {
        let network = try Self.network()
        let scorer = try MILScorer(network, normalisation: Self.normalisation())
        let (height, width) = (70, 100)
        let rgb = Self.pixels(height * width * 3, seed: 5)
        let map = try scorer.activationMap(rgb: rgb, height: height, width: width)
        #expect(map.height == 3 && map.width == 4)

        let image = try Tensor.images(
            rgb: rgb, count: 1, height: height, width: width, normalisation: Self.normalisation())
        let encoder = try #require(network.encoder as? ResNet)
        let seen = try encoder.activations(image, ForwardPass(.evaluation))
        let tape = Tape()
        tape.watch(seen.features)
        let logits = try network.student(seen.features, ForwardPass(.evaluation, recordingOn: tape))
        try tape.backward(from: [(logits, Tensor([0, 1], shape: [1, 2]))])
        let gradient = try #require(tape.gradient(of: seen.features)).values
        let last = seen.layers[3].values
        var expected = [Float](repeating: 0, count: 12)
        for position in 0..<12 {
            for channel in 0..<512 { expected[position] += gradient[channel] / 12 * last[position * 512 + channel] }
            expected[position] = max(0, expected[position])
        }
        let scale = expected.max() ?? 0
        #expect(scale > 0)
        for (a, b) in zip(map.values, expected) { #expect(abs(a - b) <= 1e-4 * scale) }
    }

    /// Each position is what the student says of an image all of which is like it.
    @Test func localMapAsksTheStudentAtEachPosition() throws {
        let network = try Self.network()
        let scorer = try MILScorer(network, normalisation: Self.normalisation())
        let (height, width) = (70, 100)
        let rgb = Self.pixels(height * width * 3, seed: 5)
        let map = try scorer.localMap(rgb: rgb, height: height, width: width)
        #expect(map.height == 3 && map.width == 4)
        let image = try Tensor.images(
            rgb: rgb, count: 1, height: height, width: width, normalisation: Self.normalisation())
        let last = try network.encoder.lastMaps(image, ForwardPass(.evaluation)).values
        let expected = try scorer.score(features: last).student
        #expect(map.values.count == 12 && Set(map.values).count > 1)
        for (value, probability) in zip(map.values, expected) { #expect(abs(1 / (1 + exp(-value)) - probability) < 1e-5) }
        let whole = try scorer.score(rgb: rgb, count: 1, height: height, width: width).student[0]
        #expect(map.studentProbability == whole)
    }

    @Test func refusesBytesThatAreNoImages() throws {
        let scorer = try MILScorer(Self.network(), normalisation: Self.normalisation())
        #expect(throws: EngineError.self) { try scorer.score(rgb: [1, 2, 3], count: 1, height: 64, width: 64) }
        #expect(throws: EngineError.self) { try scorer.score(rgb: [], count: 0, height: 64, width: 64) }
        #expect(throws: EngineError.self) { try scorer.activationMap(rgb: Self.pixels(8 * 8 * 3, seed: 1), height: 8, width: 8) }
    }

    @Test func parametersOfAnotherConfigurationAreRefused() throws {
        let parameters = try Self.network().parameters()
        #expect(throws: ParameterError.self) {
            try MILScorer(parameters, configuration: MILConfiguration(), normalisation: Self.normalisation())
        }
    }
}
