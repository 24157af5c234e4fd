import Foundation
import Models
import NeuralNetwork
import Testing

/// Everything of Segment Anything but the large encoders, which the golden files check.
@Suite struct SegmentAnythingTests {
    /// A vision transformer of two blocks (windows of 3 on a grid of 4: both are padded) for inputs of 64 pixels.
    static func small(_ seed: UInt64 = 1, grid: Int = 4) throws -> SegmentAnythingNetwork {
        var configuration = ImageEncoderConfiguration(width: 16, depth: 2, heads: 2, globalBlocks: [1])
        configuration.window = 3
        (configuration.imageSize, configuration.learntImageSize) = (16 * grid, 64)
        configuration.outputs = 32
        let network = try SegmentAnythingNetwork(ImageEncoder(configuration), width: 32, decoderHidden: 24)
        GoldenFormula.fill(network, prefix: seed == 1 ? "" : "seed\(seed)")
        return network
    }

    static func pixels(_ width: Int, _ height: Int) -> [UInt8] { MILScorerTests.pixels(width * height * 3, seed: 3) }

    // MARK: - Names

    /// The tensors and numbers of the published files (of MobileSAM's, those that are used).
    @Test(arguments: [
        (SegmentAnythingKind.vitB, 314, 93_735_728), (.mobile, 408, 9_818_564),
    ])
    func hasTheTensorsOfThePublishedFiles(kind: SegmentAnythingKind, tensors: Int, numbers: Int) throws {
        var (count, total, names) = (0, 0, Set<String>())
        try SegmentAnythingNetwork(kind).forEachParameter("") { name, parameter in
            count += 1
            total += parameter.count
            names.insert(name)
        }
        #expect(count == tensors && total == numbers && names.count == count)
        #expect(names.contains("prompt_encoder.pe_layer.positional_encoding_gaussian_matrix"))
        #expect(names.contains("mask_decoder.output_hypernetworks_mlps.3.layers.2.bias"))
        #expect(names.contains("mask_decoder.transformer.layers.1.cross_attn_image_to_token.out_proj.weight"))
        let ofEncoder = kind == .mobile ? "layers.2.blocks.5.local_conv.bn.running_var" : "blocks.11.attn.rel_pos_w"
        #expect(names.contains("image_encoder." + ofEncoder))
    }

    // MARK: - Files

    @Test func mobileFilesLoadWithWhatIsNotUsed() throws {
        let network = try SegmentAnythingNetwork(.mobile)
        var entries = try network.parameters().entries
        let extra: [(String, [Int])] = [
            ("norm_head.weight", [320]), ("norm_head.bias", [320]), ("head.weight", [1000, 320]), ("head.bias", [1000]),
        ]
        for (name, shape) in extra {
            let zeros = [Float](repeating: 0, count: shape.reduce(1, *))
            entries.append(.init(name: "image_encoder." + name, shape: shape, values: zeros))
        }
        var places = [Float]()
        for a in 0..<49 { for b in 0..<49 { places.append(Float(abs(a / 7 - b / 7) * 7 + abs(a % 7 - b % 7))) } }
        let name = "image_encoder.layers.1.blocks.0.attn.attention_bias_idxs"
        entries.append(.init(name: name, shape: [49, 49], values: places))
        entries.append(.init(name: "pixel_mean", shape: [3, 1, 1], values: [123.675, 116.28, 103.53]))
        #expect(try SegmentAnything(ParameterSet(entries: entries)).kind == .mobile)

        places[1] = 7
        entries[entries.count - 2].values = places
        let error = #expect(throws: ParameterError.self) { try SegmentAnything(ParameterSet(entries: entries)) }
        #expect(error?.message.contains(name) == true)
    }

    @Test func otherArchitecturesAreRefused() throws {
        let resNet = try ResNet(.resNet18, seed: 1).parameters()
        #expect(throws: ParameterError.self) { try SegmentAnything(resNet) }
        var entries = try SegmentAnythingNetwork(.mobile).parameters().entries
        entries.removeAll { $0.name == "mask_decoder.iou_token.weight" }
        let error = #expect(throws: ParameterError.self) { try SegmentAnything(ParameterSet(entries: entries)) }
        #expect(error?.code == .missingTensors && error?.message.contains("mask_decoder.iou_token.weight") == true)
    }

    // MARK: - Images

    @Test func imagesFillTheInputByTheirLongerSide() throws {
        let network = try SegmentAnything(Self.small(), kind: nil, precision: .float32)
        #expect(network.inputSide == 64)
        #expect(network.inputSize(width: 640, height: 480) == (64, 48))
        #expect(network.inputSize(width: 333, height: 500) == (43, 64))
        #expect(network.inputSize(width: 10, height: 10_000) == (1, 64))
        #expect(throws: EngineError.self) {
            try network.embed(rgb: Self.pixels(64, 48), width: 64, height: 48, of: (500, 500))
        }
        #expect(throws: EngineError.self) { try network.embed(rgb: [0, 1, 2], width: 64, height: 48, of: (640, 480)) }
        let embedding = try network.embed(rgb: Self.pixels(64, 48), width: 64, height: 48, of: (640, 480))
        #expect(embedding.grid == 4 && embedding.values.count == 4 * 4 * 32 && (embedding.width, embedding.height) == (640, 480))
    }

    /// Grids other than the one that positions were learnt for.
    @Test func positionsAreInterpolated() throws {
        let network = try SegmentAnything(Self.small(grid: 6), kind: nil, precision: .float32)
        let embedding = try network.embed(rgb: Self.pixels(96, 96), width: 96, height: 96, of: (96, 96))
        #expect(embedding.grid == 6 && embedding.values.allSatisfy(\.isFinite))
    }

    // MARK: - Prompts and masks

    @Test func masksHaveTheImagesPixels() throws {
        let network = try SegmentAnything(Self.small(), kind: nil, precision: .float32)
        let embedding = try network.embed(rgb: Self.pixels(64, 48), width: 64, height: 48, of: (160, 120))
        let box = SegmentationPrompt.Box(left: 20, top: 30, right: 90, bottom: 80)
        let single = try network.masks(embedding, SegmentationPrompt(box: box))
        #expect(single.count == 1 && single[0].mask.count == 160 * 120 && single[0].lowResolution.count == 16 * 16)
        let several = try network.masks(embedding, SegmentationPrompt(points: [.init(x: 50, y: 60)]), multiple: true)
        #expect(several.count == 3 && Set(several.map(\.predictedIoU)).count == 3)
        // Twice the image's size with twice the coordinates is the same prompt.
        let twice = try network.embed(rgb: Self.pixels(64, 48), width: 64, height: 48, of: (320, 240))
        let doubled = SegmentationPrompt.Box(left: 40, top: 60, right: 180, bottom: 160)
        #expect(try network.masks(twice, SegmentationPrompt(box: doubled))[0].lowResolution == single[0].lowResolution)
        // The middle of the mask is where its logits say, pixel for pixel at a tenth of the input's resolution.
        for (row, column) in [(2, 3), (9, 12), (5, 7)] {
            let logit = single[0].lowResolution[row * 16 + column]
            guard abs(logit) > 0.05 else { continue }
            let seen = single[0].mask[(row * 10 + 5) * 160 + column * 10 + 5]
            #expect(seen == (logit > 0 ? 255 : 0), "\(row), \(column): \(logit)")
        }
        // A mask of before is a prompt too, alone and with a point.
        let mask = single[0].lowResolution
        let again = try network.masks(embedding, SegmentationPrompt(points: [.init(x: 50, y: 60)], box: box, mask: mask))
        #expect(again[0].lowResolution != mask)
        _ = try network.masks(embedding, SegmentationPrompt(mask: mask))
    }

    @Test func unionOfSeveralBoxes() throws {
        let network = try SegmentAnything(Self.small(), kind: nil, precision: .float32)
        let embedding = try network.embed(rgb: Self.pixels(64, 64), width: 64, height: 64, of: (64, 64))
        let boxes = [
            SegmentationPrompt.Box(left: 2, top: 3, right: 20, bottom: 20),
            SegmentationPrompt.Box(left: 30, top: 31, right: 60, bottom: 62),
        ]
        let single = try boxes.map { try network.masks(embedding, SegmentationPrompt(box: $0))[0] }
        let masks = single.map(\.mask)
        let (union, predictedIoU) = try network.union(embedding, boxes: boxes)
        #expect(union.indices.allSatisfy { (union[$0] == 255) == (masks[0][$0] == 255 || masks[1][$0] == 255) })
        #expect(predictedIoU == single.map(\.predictedIoU) && predictedIoU[0] != predictedIoU[1])
        let none = try network.union(embedding, boxes: [])
        #expect(none.mask.allSatisfy { $0 == 0 } && none.predictedIoU.isEmpty)
    }

    @Test func whatIsNoNumberIsNoEmptyMask() throws {
        let broken = try Self.small()
        broken.forEachParameter("") { name, parameter in
            guard name == "mask_decoder.output_hypernetworks_mlps.0.layers.2.bias" else { return }
            parameter.update { $0[0] = .nan }
        }
        let network = try SegmentAnything(broken, kind: nil, precision: .float32)
        let embedding = try network.embed(rgb: Self.pixels(64, 64), width: 64, height: 64, of: (64, 64))
        let error = #expect(throws: EngineError.self) {
            try network.union(embedding, boxes: [.init(left: 2, top: 3, right: 20, bottom: 20)])
        }
        #expect(error?.code == .notFinite)
    }

    @Test func badPromptsAreRefused() throws {
        let network = try SegmentAnything(Self.small(), kind: nil, precision: .float32)
        let embedding = try network.embed(rgb: Self.pixels(64, 64), width: 64, height: 64, of: (64, 64))
        #expect(throws: EngineError.self) { try network.masks(embedding, SegmentationPrompt()) }
        #expect(throws: EngineError.self) {
            try network.masks(embedding, SegmentationPrompt(points: [.init(x: .nan, y: 1)]))
        }
        #expect(throws: EngineError.self) { try network.masks(embedding, SegmentationPrompt(mask: [1, 2, 3])) }
    }

    /// Box, two points and a mask together, on an embedding made by formula: the numbers are PyTorch's.
    @Test func promptOfEverythingEqualsTheReference() throws {
        let network = try SegmentAnythingNetwork(.mobile)
        GoldenFormula.fill(network)
        let embedding = try GoldenFormula.images("input.embedding", count: 1, channels: 256, height: 64, width: 64)
        let mask = GoldenFormula.uniform("input.mask", count: 256 * 256).map { Float(2 * $0) }
        let prompt = SegmentationPrompt(
            points: [.init(x: 320, y: 410), .init(x: 20, y: 30, isOnObject: false)],
            box: .init(left: 100, top: 150, right: 600, bottom: 700), mask: mask)
        let compiled = try SegmentAnything(network, kind: .mobile, precision: .float32)
        let seen = try compiled.lowResolution(ImageEmbedding(embedding, of: (1024, 1024)), prompt, multiple: true)
        #expect(Self.close(seen.quality, [0.4351295828819275, -1.0485963821411133, -0.2008083313703537]))
        let logits = seen.logits.values
        let chosen = [logits[10 * 256 + 200], logits[65536 + 128 * 256 + 128], logits[2 * 65536 + 255 * 256 + 255]]
        #expect(Self.close(chosen, [0.19813, -1.25959, 0.50604], within: 2e-5))
        let single = try compiled.lowResolution(ImageEmbedding(embedding, of: (1024, 1024)), prompt, multiple: false)
        #expect(Self.close(single.quality + [single.logits.values[0]], [0.6833400130271912, 0.67454], within: 2e-5))
        let alone = try compiled.lowResolution(
            ImageEmbedding(embedding, of: (1024, 1024)), SegmentationPrompt(mask: mask), multiple: false)
        #expect(Self.close(alone.quality, [-0.11005818098783493]))
    }

    private static func close(_ a: [Float], _ b: [Float], within limit: Float = 1e-5) -> Bool {
        a.count == b.count && zip(a, b).allSatisfy { abs($0 - $1) <= limit * max(1, abs($1)) }
    }

    // MARK: - Threads

    /// Threads that share a network, packing its weights at the same time, see what one alone sees.
    @Test func threadsShareANetwork() async throws {
        let network = try SegmentAnything(Self.small(), kind: nil, precision: .float32)
        let rgb = Self.pixels(64, 64)
        let seen = try await withThrowingTaskGroup(of: [Float].self) { group in
            for _ in 0..<4 {
                group.addTask {
                    let embedding = try network.embed(rgb: rgb, width: 64, height: 64, of: (64, 64))
                    return try network.masks(embedding, SegmentationPrompt(points: [.init(x: 5, y: 6)]))[0].lowResolution
                }
            }
            return try await group.reduce(into: [[Float]]()) { $0.append($1) }
        }
        #expect(seen.count == 4 && seen.allSatisfy { $0 == seen[0] })
        let other = try SegmentAnything(Self.small(2), kind: nil, precision: .float32)
        let embedding = try other.embed(rgb: rgb, width: 64, height: 64, of: (64, 64))
        let masks = try other.masks(embedding, SegmentationPrompt(points: [.init(x: 5, y: 6)]))
        #expect(masks[0].lowResolution != seen[0])
    }
}
