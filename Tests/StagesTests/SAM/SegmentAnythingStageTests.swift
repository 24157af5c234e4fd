import Digest
import Evaluation
import Foundation
import Imaging
import Models
import NeuralNetwork
import Stages
import Testing

/// From box to mask. MobileSAM with the golden formula's weights: nobody trained them, but the masks are its own to the bit.
@Suite struct SegmentAnythingStageTests {
    /// With the formula alone every pixel of these plain images is foreground, whatever the box. So the mask's last layer is
    /// another mask's, and the upscaling gives the four pixels that it makes of one the same number.
    private static let parameters = Result {
        var set = try SegmentAnything.goldenParameters(.mobile)
        let layers = [0, 3].map { "mask_decoder.output_hypernetworks_mlps.\($0).layers.2.weight" }
        let other = try #require(set[layers[1]])
        set.updateValues(at: try #require(set.index(of: layers[0]))) { values in
            for place in values.indices { values[place] = other.values[place] }
        }
        for layer in [0, 3] {
            let index = try #require(set.index(of: "mask_decoder.output_upscaling.\(layer).weight"))
            set.updateValues(at: index) { values in for place in values.indices { values[place] = values[place / 4 * 4] } }
        }
        return set
    }

    /// A file of MobileSAM; `change` alters its tensors by name.
    private static func weights(
        _ archive: TinyArchive, change: (String, inout [Float]) -> Void = { _, _ in }
    ) throws -> String {
        var entries = try parameters.get().entries
        for index in entries.indices { change(entries[index].name, &entries[index].values) }
        let url = archive.root.appendingPathComponent("mobile_sam.safetensors")
        try ParameterSet(entries: entries).encoded().write(to: url)
        return url.path
    }

    /// Runs the stages after `cam`, which drew these boxes; nil: without it.
    private func run(
        _ archive: TinyArchive, _ boxes: [ResultRow.BoxRow]?, labelled: Bool = true, _ stages: String
    ) throws -> MemoryLedger {
        let registry = StageRegistry(
            [
                CatalogueStage(), LabelsStage { _ in PlainExtractor() }, SegmentAnythingStage(), SegmentTrainStage(),
                SegmentStage(), EvaluateStage(),
            ] + (boxes.map { [DrawnBoxes(rows: $0)] } ?? []))
        let before = "{stage: 'catalogue'}, " + (labelled ? "{stage: 'labels'}, " : "") + (boxes == nil ? "" : "{stage: 'cam'}, ")
        let pipeline = try Pipeline(json5: Data("{seed: 6, stages: [\(before)\(stages)]}".utf8), registry: registry)
        let runner = LocalRunner(registry: registry, centres: archive.centres, seed: pipeline.seed, slots: 2)
        try runner.run(pipeline)
        return runner.store
    }

    private func message(_ archive: TinyArchive, _ boxes: [ResultRow.BoxRow]?, _ stages: String) -> String {
        do {
            _ = try run(archive, boxes, stages)
            return "nothing was wrong"
        } catch { return "\(error)" }
    }

    /// What the network itself makes of a box.
    private func mask(_ box: ResultRow.BoxRow, _ archive: TinyArchive, _ network: SegmentAnything) throws -> MaskPrediction {
        let file = archive.root.appendingPathComponent("\(box.centre)/studies/\(box.study)/\(box.image)")
        let image = try ImageDecoder.decode(contentsOf: file).rgb()
        let (width, height) = network.inputSize(width: image.width, height: image.height)
        let resized = try image.resized(width: width, height: height, filter: .bilinear)
        let embedding = try network.embed(
            rgb: resized.pixels, width: width, height: height, of: (image.width, image.height))
        let sides = try #require(box.rectangle)
        let prompt = SegmentationPrompt(
            box: .init(left: Float(sides.x0), top: Float(sides.y0), right: Float(sides.x1), bottom: Float(sides.y1)))
        return try network.masks(embedding, prompt)[0]
    }

    private func pictures(_ ledger: MemoryLedger, _ kind: String) throws -> [String: Image8] {
        let rows = ledger.masks(ofStep: "sam").filter { $0.kind == kind }
        return Dictionary(
            uniqueKeysWithValues: try rows.map { ($0.study, try ImageDecoder.decode(ledger.content($0.content))) })
    }

    /// A mask that does not fit is drawn, and its box says why nobody should learn from it.
    @Test func masksThatDoNotFitAreNotKept() throws {
        let archive = try TinyArchive(studies: 4, images: 2)
        let weights = try Self.weights(archive)
        let drawn = [DrawnBoxes.box("E100", 10, 12, 40, 50), DrawnBoxes.box("W100", 20, 8, 52, 44)]
        // These weights foresee an IoU above 1, so no bound on it refuses anything here.
        for (setting, reason) in [("minimumAgreement", "disagrees-with-box"), ("minimumFill", "ragged")] {
            let ledger = try run(archive, drawn, "{stage: 'sam', weights: '\(weights)', \(setting): 1}")
            let rows = ledger.boxes(ofStep: "sam")
            let rejected = rows.filter { $0.rejection == reason && !$0.isKept }
            #expect(rows.map(\.rectangle) == drawn.map(\.rectangle) && !rejected.isEmpty, "\(setting): \(rows.map(\.rejection))")
            #expect(ledger.masks(ofStep: "sam").count == 2)
            let metrics = ledger.metrics(ofStep: "sam", round: 0)
            #expect(metrics["rejected.\(reason)"] == Double(rejected.count) && (metrics["kept"] ?? 0) == Double(2 - rejected.count))
        }
    }

    @Test func masksAreTheNetworksOwnAndAreMeasured() throws {
        let archive = try TinyArchive(studies: 4, images: 2)
        let weights = try Self.weights(archive)
        let kept = [
            DrawnBoxes.box("E100", 10, 12, 40, 50), DrawnBoxes.box("E102", 5, 30, 33, 61),
            DrawnBoxes.box("W100", 20, 8, 52, 44),
        ]
        let boxes = kept + [DrawnBoxes.box("W102", 0, 0, 60, 60, rejection: "too-large"), DrawnBoxes.none("E101")]
        let ledger = try run(
            archive, boxes,
            """
            {stage: 'sam', weights: '\(weights)', imagesPerShard: 1},
            {stage: 'evaluate', splits: ['train', 'val'], resamples: 100}
            """)
        #expect(ledger.boxes(ofStep: "sam") == kept && ledger.items.isEmpty)
        let masks = try pictures(ledger, "sam-mask")
        let overlays = Dictionary(
            uniqueKeysWithValues: try ledger.pictures.filter { $0.kind == "sam-overlay" }
                .map { ($0.study, try ImageDecoder.decode($0.data)) })
        #expect(ledger.masks(ofStep: "sam").count == 3 && masks.count == 3 && overlays.count == 3)

        ComputeThreads.set(1)
        let network = try SegmentAnything(Self.parameters.get())
        var (foreground, quality) = (0.0, 0.0)
        for box in kept {
            let (seen, drawn) = (try mask(box, archive, network), try #require(masks[box.study]))
            #expect((drawn.width, drawn.height, drawn.channels) == (64, 64, 1))
            #expect(drawn.pixels == seen.mask, "\(box.study)")
            foreground += Double(seen.area) / 4096 / 3
            quality += Double(seen.predictedIoU) / 3
            // The box stands in the overlay where it was drawn.
            let (overlay, sides) = (try #require(overlays[box.study]), try #require(box.rectangle))
            #expect(overlay[x: sides.x0, y: sides.y0, channel: 0] == Colour.prediction.red)
            #expect(overlay[x: sides.x1 - 1, y: sides.y1 - 1, channel: 2] == Colour.prediction.blue)
        }
        #expect(Set(masks.values.map(\.pixels)).count == 3)
        let metrics = ledger.metrics(ofStep: "sam", round: 0)
        #expect(metrics["images"] == 3 && metrics["failedImages"] == 0 && metrics["emptyMasks"] == 0)
        #expect(foreground > 0 && abs((metrics["meanForeground"] ?? -1) - foreground) < 1e-12)
        #expect(quality != 0 && abs((metrics["meanPredictedIoU"] ?? -9) - quality) < 1e-12)

        // The rows of evaluation are of these masks, beside their truth, and of the parameters that made them.
        let rows = ledger.evaluations.filter { $0.subject == "sam" }
        #expect(Set(rows.map(\.head)) == ["sam"] && Set(rows.map(\.level)) == ["mask"])
        #expect(rows.allSatisfy { $0.model == SHA256Digest(hashing: (try? Self.parameters.get().encoded()) ?? Data()) })
        let dice = try #require(rows.first { $0.metric == "dice" && $0.dataset == "val" && $0.centre == "all" })
        let drawn = try ImageDecoder.decode(contentsOf: archive.root.appendingPathComponent("east/truth/E102/02.png"))
        let score = BinaryMaskScore(
            prediction: try #require(masks["E102"]).pixels.map { $0 > 0 }, truth: drawn.pixels.map { $0 > 0 })
        #expect(dice.count == 1 && dice.value == score.dice && score.dice > 0)
        for metric in ["iou", "smeasure"] {
            let row = rows.first { $0.metric == metric && $0.dataset == "train" && $0.centre == "all" }
            #expect(row?.count == 2 && (0...1).contains(row?.value ?? -1), "\(metric)")
        }
    }

    @Test func refusedBoxesPromptOnRequestButDoNotTrain() throws {
        let archive = try TinyArchive(studies: 6, images: 2)
        let weights = try Self.weights(archive)
        let boxes = [
            DrawnBoxes.box("E100", 10, 12, 40, 50), DrawnBoxes.box("E104", 5, 30, 33, 61, rejection: "touches-border"),
            DrawnBoxes.box("W100", 20, 8, 52, 44), DrawnBoxes.box("W104", 4, 4, 60, 60),
        ]
        try archive.write("east/studies/E100/02.png", Data("no picture".utf8))
        let train = "{stage: 'segment-train', size: 'b0', imageSize: 64, scales: [1], dropPath: 0, rounds: 1, batch: 4"
        let ledger = try run(
            archive, boxes,
            """
            {stage: 'sam', weights: '\(weights)', kept: false, splits: ['train'], overlays: false},
            \(train), labels: 'sam-mask'}
            """)
        // One image cannot be read, and says so; the others go on.
        let items = ledger.items.filter { $0.image != nil }
        #expect(items.count == 2 && items.allSatisfy { $0.study == "E100" && $0.image == "02.png" && $0.status == "failed" })
        let masks = ledger.masks(ofStep: "sam")
        #expect(masks.map(\.study) == ["E104", "W100", "W104"] && masks.allSatisfy { $0.kind == "sam-mask" })
        #expect(ledger.boxes(ofStep: "sam").map(\.isKept) == [false, true, true])
        let metrics = ledger.metrics(ofStep: "sam", round: 0)
        #expect(metrics["images"] == 3 && metrics["failedImages"] == 1)

        // What may train: the two whose boxes were kept, with their own masks.
        #expect(ledger.metrics(ofStep: "segment-train", round: 0)["images"] == 2)
        let settings = StageSettings(json: Data("{\"size\": \"b0\", \"labels\": \"sam-mask\"}".utf8))
        let shards = try SegmentTrainStage().plan(round: 0, settings: settings, view: ledger)
        #expect(Set(shards.compactMap(\.centre)) == ["west"])
        let offered = shards.flatMap { $0.blobs.dropFirst(2) }
        #expect(Set(offered) == Set(masks.filter { $0.study.hasPrefix("W") }.map(\.content)) && offered.count == 2)
    }

    /// Two polyps in one image both prompt; an image without a mask, or of another split, is not looked at.
    @Test func boxesOfTheTruthPrompt() throws {
        let archive = try TinyArchive(studies: 6, images: 2)
        let weights = try Self.weights(archive)
        func truth(_ study: String, side: Int = 64, _ polyps: [(x: Range<Int>, y: Range<Int>)]) throws {
            let bits = (0..<side * side).map { place in
                polyps.contains { $0.x.contains(place % side) && $0.y.contains(place / side) }
            }
            let mask = try Mask(width: side, height: side, bits: bits)
            try archive.write("\(study.hasPrefix("E") ? "east" : "west")/truth/\(study)/02.png", ImageEncoder.png(mask.image()))
        }
        // The speck of one pixel is no polyp.
        try truth("E100", [(10..<20, 12..<30), (40..<60, 30..<50), (2..<3, 2..<3)])
        try truth("W100", [])
        try truth("E104", side: 32, [(4..<20, 4..<20)])
        try archive.write("west/truth/W104/02.png", Data("no picture".utf8))
        let sam = "{stage: 'sam', weights: '\(weights)', boxes: 'truth', splits: ['train']}"
        let ledger = try run(archive, nil, labelled: false, sam + ", {stage: 'evaluate', splits: ['train'], resamples: 100}")

        let largest = ResultRow.BoxRow(
            centre: "east", study: "E100", image: "02.png", rectangle: .init(x0: 40, y0: 30, x1: 60, y1: 50),
            areaShare: 400 / 4096, isKept: true, rejection: nil)
        #expect(ledger.boxes(ofStep: "sam") == [largest])
        ComputeThreads.set(1)
        let network = try SegmentAnything(Self.parameters.get())
        var first = largest
        first.rectangle = .init(x0: 10, y0: 12, x1: 20, y1: 30)
        let masks = try [largest, first].map { try mask($0, archive, network).mask }
        #expect(masks[0] != masks[1])
        #expect(try pictures(ledger, "sam-mask")["E100"]?.pixels == zip(masks[0], masks[1]).map { $0 | $1 })

        // What the job did not do is not measured: the archive knows what its reports say.
        #expect(Set(ledger.evaluations.map(\.subject)).subtracting(["truth"]) == ["sam"])

        // What cannot be prompted says why; the rest went on.
        let said = Dictionary(
            ledger.items.filter { $0.image == "02.png" }.map { ($0.study, $0.message) }, uniquingKeysWith: { $1 })
        #expect(Set(said.keys) == ["E104", "W104"])
        #expect(said["E104"]?.contains("its mask in truth/E104 is of 32×32 pixels, the image of 64×64") == true)
        #expect(said["W104"]?.contains("its mask in truth/W104 cannot be read") == true)
        let metrics = ledger.metrics(ofStep: "sam", round: 0)
        #expect(metrics["images"] == 1 && metrics["failedImages"] == 2)
        #expect(
            message(archive, nil, "{stage: 'sam', weights: '\(weights)', boxes: 'truth', splits: ['test']}")
                .contains("stage sam: no study is of split test"))
        try FileManager.default.removeItem(at: archive.root.appendingPathComponent("east/truth"))
        try FileManager.default.removeItem(at: archive.root.appendingPathComponent("west/truth"))
        #expect(message(archive, nil, sam).contains("stage sam: no image of split train has a mask with a polyp"))
    }

    @Test func anEmptyMaskIsCountedAndNoNumberIsAFault() throws {
        let archive = try TinyArchive(studies: 2, images: 2)
        let box = DrawnBoxes.box("E100", 10, 12, 40, 50)
        // The layer that makes a mask's kernel from its token: all logits become zero, and nothing is above it.
        let kernel = "mask_decoder.output_hypernetworks_mlps.0.layers.2."
        let empty = try Self.weights(archive) { name, values in
            if name.hasPrefix(kernel) { values = values.map { _ in 0 } }
        }
        let ledger = try run(archive, [box], "{stage: 'sam', weights: '\(empty)'}")
        let metrics = ledger.metrics(ofStep: "sam", round: 0)
        #expect(metrics["emptyMasks"] == 1 && metrics["images"] == 1 && metrics["meanForeground"] == 0)
        #expect(try pictures(ledger, "sam-mask")["E100"]?.pixels.allSatisfy { $0 == 0 } == true && ledger.items.isEmpty)

        let broken = try Self.weights(archive) { name, values in if name == kernel + "bias" { values[0] = .nan } }
        let error = #expect(throws: StageError.self) { try run(archive, [box], "{stage: 'sam', weights: '\(broken)'}") }
        // Refused as soon as they are read, by the tensor's name: nothing is computed with them.
        #expect(error?.code == .parameters && error?.message.contains(kernel + "bias") == true, "\(error?.message ?? "")")
    }

    @Test func whatIsMissingIsOneMessage() throws {
        let archive = try TinyArchive(studies: 2, images: 2)
        let weights = try Self.weights(archive)
        let segmenter = archive.root.appendingPathComponent("pvt.safetensors")
        try PolypPVT(.b0, seed: 1).parameters().encoded().write(to: segmenter)
        let boxes = [
            DrawnBoxes.box("E100", 0, 0, 60, 60, rejection: "too-large"), DrawnBoxes.none("E101"),
            DrawnBoxes.box("W100", 0, 0, 8, 8, rejection: "touches-border"),
            DrawnBoxes.box("W101", 0, 0, 8, 8, rejection: "touches-border"),
        ]
        let sam = "{stage: 'sam', weights: '\(weights)'"
        for (boxes, stages, says) in [
            (boxes, "{stage: 'sam'}", "stage sam needs `weights`: a file of Segment Anything or MobileSAM"),
            (nil, sam + "}", "stage sam needs boxes: put a step that draws them before it, or choose other `boxes`"),
            (boxes, sam + ", boxes: 'toco-cam'}", "stage sam needs boxes: put a step that draws them before it, or choose other `boxes`"),
            (
                boxes, sam + "}",
                "stage sam: cam kept none of its 3 boxes (touches-border 2, too-large 1), so there is nothing to prompt with"
            ),
            (boxes, sam + ", kept: false, splits: ['test']}", "stage sam: cam drew no box on studies of split test"),
            ([], sam + "}", "stage sam: cam drew no box on studies of split train, val, test"),
            (boxes, "{stage: 'sam', kept: false, weights: '/nowhere.pth'}", "stage sam: /nowhere.pth: cannot be read"),
            (
                boxes, "{stage: 'sam', kept: false, weights: '\(segmenter.path)'}",
                "stage sam: \(segmenter.path) is of Polyp-PVT on PVTv2-B0, not of a Segment Anything"
            ),
            (boxes, sam + ", boxes: 'segment'}", "settings of stage sam: boxes"),
            (
                boxes, "{stage: 'segment-train', labels: 'sam-mask'}",
                "stage segment-train: no image of split train has a mask whose box was kept"
            ),
        ] as [([ResultRow.BoxRow]?, String, String)] {
            let said = message(archive, boxes, stages)
            #expect(said.contains(says), "\(stages): \(said)")
        }
    }
}
