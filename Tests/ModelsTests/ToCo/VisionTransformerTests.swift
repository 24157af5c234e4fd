import Models
import NeuralNetwork
import Testing

@Suite struct VisionTransformerTests {
    static let tiny = ViTConfiguration(patch: 4, width: 12, depth: 2, heads: 3, grid: 3)

    private static func images(_ count: Int, _ height: Int, _ width: Int) throws -> Tensor {
        var random = CounterRandom(seed: 3)
        return try Tensor.filled([count, height, width, 3]) { memory in
            for place in memory.indices { memory[place] = Float(random.uniform() - 0.5) }
        }
    }

    @Test func seesAnySize() throws {
        let network = try VisionTransformer(Self.tiny, seed: 1)
        let seen = try network(Self.images(2, 21, 16), ForwardPass(.evaluation), watching: 0)
        #expect(seen.grid == (5, 4))
        #expect(seen.tokens.shape == [2, 21, 12] && seen.watched?.shape == [2, 21, 12])
        #expect(throws: EngineError.self) { try network(Self.images(1, 3, 16), ForwardPass(.evaluation)) }
    }

    /// An image alone gives what it gives in a batch; with a tape what it gives without.
    @Test func batchesAndTapesChangeNothing() throws {
        let network = try VisionTransformer(Self.tiny, seed: 1)
        GoldenFormula.fill(network)
        let images = try Self.images(2, 16, 16)
        let both = try network(images, ForwardPass(.evaluation)).tokens.values
        let alone = try network(images.rows(1..<2), ForwardPass(.evaluation)).tokens.values
        let recorded = try network(images, ForwardPass(.training, recordingOn: Tape())).tokens.values
        for (a, b) in zip(both[alone.count...], alone) { #expect(abs(a - b) < 1e-5) }
        for (a, b) in zip(both, recorded) { #expect(abs(a - b) < 1e-5) }
    }

    /// A small step against the gradient of Σ tokens² lowers it by rate · ‖gradient‖², whether positions learn or not.
    @Test(arguments: [false, true], [(stem: [], watched: 0), (stem: [5], watched: -1)])
    func gradients(learnsPositions: Bool, way: (stem: [Int], watched: Int)) throws {
        var configuration = Self.tiny
        configuration.stem = way.stem
        configuration.localDepth = 2 * way.stem.count
        configuration.learnsPositions = learnsPositions
        let network = try VisionTransformer(configuration, seed: 1)
        GoldenFormula.fill(network)
        let images = try Self.images(2, 16, 12)
        func value(_ tape: Tape?) throws -> Float {
            let pass = ForwardPass(.training, recordingOn: tape)
            let seen = try network(images, pass, watching: way.watched)
            guard let watched = seen.watched else { return 0 }
            if let tape {
                try tape.backward(from: [(seen.tokens, seen.tokens.scaled(by: 2)), (watched, watched.scaled(by: 2))])
            }
            return (seen.tokens.values + watched.values).reduce(0) { $0 + $1 * $1 }
        }
        let before = try value(Tape())
        let names = try network.parameters().entries.map(\.name)
        #expect(network.learnt.allSatisfy { $0.gradientValues?.contains { $0 != 0 } == true })
        #expect(network.learnt.count == names.count - (learnsPositions ? 0 : 1))
        let square = network.learnt.reduce(0.0) { sum, parameter in
            sum + (parameter.gradientValues ?? []).reduce(0.0) { $0 + Double($1) * Double($1) }
        }
        let rate = Float(0.2 / square)
        try Optimiser(.sgd(rate: rate), parameters: network.learnt).step()
        let ratio = Double(before - (try value(nil))) / (Double(rate) * square)
        #expect(abs(ratio - 1) < 0.1, "fell by \(ratio) of what the gradient says")
    }

    @Test func stochasticDepthFollowsItsSeed() throws {
        var configuration = Self.tiny
        configuration.dropPath = 0.5
        let network = try VisionTransformer(configuration, seed: 1)
        GoldenFormula.fill(network)
        let images = try Self.images(4, 12, 12)
        func run(_ seed: UInt64) throws -> [Float] {
            try network(images, ForwardPass(.training, recordingOn: Tape(), seed: seed)).tokens.values
        }
        #expect(try run(1) == run(1))
        #expect(try run(1) != run(2))
    }

    @Test func loadsTimmCheckpoints() throws {
        let source = try VisionTransformer(Self.tiny, seed: 5)
        var entries = try source.parameters().entries
        #expect(entries.map(\.name).contains("blocks.1.attn.qkv.weight"))
        entries.append(.init(name: "head.weight", shape: [2, 12], values: [Float](repeating: 0, count: 24)))
        let network = try VisionTransformer(Self.tiny, seed: 6)
        #expect(try network.loadPretrained(ParameterSet(entries: entries)) == ["head.weight"])
        #expect(try network.parameters() == source.parameters())
        // Trained at another size: positions are interpolated.
        var configuration = Self.tiny
        configuration.grid = 5
        let larger = try VisionTransformer(configuration, seed: 6)
        try larger.loadPretrained(ParameterSet(entries: entries))
        #expect(try larger.parameters()["pos_embed"]?.shape == [1, 26, 12])
        // A distilled DeiT has one token more.
        entries.append(.init(name: "dist_token", shape: [1, 1, 12], values: [Float](repeating: 0, count: 12)))
        let error = #expect(throws: ParameterError.self) { try network.loadPretrained(ParameterSet(entries: entries)) }
        #expect("\(error.map(String.init(reflecting:)) ?? "")".contains("dist_token"))
    }

    @Test func refusesSizesThatMakeNoNetwork() {
        for broken in [
            ViTConfiguration(width: 10, heads: 3), ViTConfiguration(width: 12, depth: 0, heads: 3),
            ViTConfiguration(width: 12, heads: 3, dropPath: 1), ViTConfiguration(patch: 16, width: 12, heads: 3, stem: [4, 8]),
            ViTConfiguration(patch: 4, width: 12, heads: 3, stem: [0]),
            ViTConfiguration(patch: 4, width: 12, heads: 3, localDepth: -1),
            ViTConfiguration(patch: 4, width: 12, heads: 3, stem: [5], stemKernel: 5),
        ] { #expect(throws: EngineError.self) { try VisionTransformer(broken, seed: 1) } }
    }

    /// Patches by steps of two: the same grid, and a patch sees a little of its neighbours.
    @Test(arguments: [3, 4]) func stemsHalveUpToThePatch(kernel: Int) throws {
        let stem = ViTConfiguration(patch: 8, width: 12, depth: 1, heads: 3, grid: 2, stem: [4, 6], stemKernel: kernel)
        let network = try VisionTransformer(stem, seed: 1)
        let parameters = try network.parameters()
        #expect(parameters["patch_embed.stem.0.weight"]?.shape == [4, 3, kernel, kernel])
        #expect(parameters["patch_embed.stem.1.bias"]?.shape == [6])
        #expect(parameters["patch_embed.proj.weight"]?.shape == [12, 6, kernel, kernel])
        #expect(try network(Self.images(1, 16, 24), ForwardPass(.evaluation)).grid == (2, 3))
    }

    /// A stem whose kernels are alike to both sides sees the mirrored image mirrored, if patches stand in their middle.
    @Test(arguments: [3, 4]) func patchesStandInTheirMiddle(kernel: Int) throws {
        let network = try VisionTransformer(
            ViTConfiguration(patch: 8, width: 12, depth: 1, heads: 3, grid: 4, stem: [4, 6], stemKernel: kernel, localDepth: 1),
            seed: 1)
        try network.load(
            ParameterSet(
                entries: network.parameters().entries.map { entry in
                    var values = entry.values
                    if entry.shape.count == 4 {
                        let taps = entry.shape[2] * entry.shape[3]
                        for place in values.indices { values[place] = values[place / taps * taps] }
                    } else if entry.name == "pos_embed" {
                        values = values.map { _ in 0 }
                    }
                    return ParameterSet.Entry(name: entry.name, shape: entry.shape, values: values)
                }))
        /// Patches before the first block, row by row, by columns from the left or from the right.
        func patches(_ images: Tensor, fromTheRight: Bool) throws -> [Float] {
            let seen = try network(images, ForwardPass(.evaluation), watching: -1)
            let tokens = try #require(seen.watched).values
            return (0..<16).flatMap { place -> ArraySlice<Float> in
                let token = 1 + place / 4 * 4 + (fromTheRight ? 3 - place % 4 : place % 4)
                return tokens[token * 12..<(token + 1) * 12]
            }
        }
        let images = try Self.images(1, 32, 32)
        let mirrored = try Tensor.filled(images.shape) { memory in
            for (place, value) in images.values.enumerated() {
                let (row, column, channel) = (place / 96, place / 3 % 32, place % 3)
                memory[row * 96 + (31 - column) * 3 + channel] = value
            }
        }
        let (plain, turned) = (try patches(images, fromTheRight: false), try patches(mirrored, fromTheRight: true))
        let difference = zip(plain, turned).map { abs($0 - $1) }.max() ?? .infinity
        #expect((difference < 1e-5) == (kernel == 4), "\(difference)")
        #expect(plain.contains { $0 != 0 })
    }

    /// Before the first block a patch knows what lies within its convolutions' reach; behind it, all of the image.
    @Test(arguments: [0, 2]) func whatPatchesSeeBeforeAttention(localDepth: Int) throws {
        let configuration = ViTConfiguration(
            patch: 4, width: 12, depth: 1, heads: 3, grid: 8, stem: [5], localDepth: localDepth)
        let network = try VisionTransformer(configuration, seed: 1)
        GoldenFormula.fill(network)
        func seen(_ images: Tensor) throws -> (before: [Float], after: [Float]) {
            let seen = try network(images, ForwardPass(.evaluation), watching: -1)
            return (try #require(seen.watched).values, seen.tokens.values)
        }
        let images = try Self.images(1, 32, 32)
        let plain = try seen(images)
        // The upper left pixel. A patch's own convolutions read three pixels to the left of its corner.
        let changed = try seen(
            Tensor.filled(images.shape) { memory in
                for (place, value) in images.values.enumerated() { memory[place] = place < 3 ? value + 1 : value }
            })
        for patch in 0..<64 {
            let token = (patch + 1) * 12..<(patch + 2) * 12
            let isNear = max(patch / 8, patch % 8) <= localDepth
            #expect((plain.before[token] != changed.before[token]) == isNear, "\(patch)")
            #expect(plain.after[token] != changed.after[token], "\(patch)")
        }
    }

    @Test func knowsTheUsualSizes() throws {
        #expect(ViTConfiguration.base16.width == 768 && ViTConfiguration.small16.heads == 6)
        let names = try VisionTransformer(.tiny16, seed: nil).parameters()
        #expect(names["patch_embed.proj.weight"]?.shape == [192, 3, 16, 16])
        #expect(names["blocks.11.mlp.fc1.weight"]?.shape == [768, 192])
        #expect(names.entries.count == 152 - 2)
    }
}
