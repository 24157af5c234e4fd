import NeuralNetwork

/// Segment Anything for inference: an image is embedded once and prompted many times.
///
///     let network = try SegmentAnything(Checkpoint.load(file).tensors, precision: .bfloat16)
///     let (width, height) = network.inputSize(width: image.width, height: image.height)
///     let embedding = try network.embed(rgb: resized, width: width, height: height, of: (image.width, image.height))
///     let masks = try network.masks(embedding, SegmentationPrompt(box: box))
///
/// Immutable, and shared by threads: weights are packed once, for the number of compute threads of the thread that makes
/// it, and the encoder's large ones are kept only so. The decoder computes in fp32 whatever the precision: it
/// takes a hundredth of the encoder's time.
public final class SegmentAnything: Sendable {
    public let kind: SegmentAnythingKind?
    public let precision: Precision
    /// Pixels along the side of the encoder's input.
    public let inputSide: Int
    private let network: Frozen<Prompted>
    /// Of the encoder's linear layers and convolutions.
    private let quantised: QuantisedNetwork?
    /// A calibration of this network says so.
    public static let calibratedNetwork = "segment-anything"

    /// A network with the positions that its decoder adds to every embedding.
    private final class Prompted: Module {
        let network: SegmentAnythingNetwork
        let positions: Tensor

        init(_ network: SegmentAnythingNetwork) throws {
            self.network = network
            positions = try network.imagePositions()
        }

        func forEachParameter(_ prefix: String, _ body: (String, Parameter) throws -> Void) rethrows {
            try network.forEachParameter(prefix, body)
        }
    }

    /// The network that `parameters` are of, official names and all. `kind` nil: found by them.
    ///
    /// Throws `ParameterError.missingTensors` for parameters of another architecture, listing every tensor that does not
    /// fit, `EngineError.unsupported` for bf16 or 8 bits on a processor without them, and `.invalidOption` for a
    /// calibration of other weights. With a calibration the encoder's layers compute in 8 bits where it says so.
    public convenience init(
        _ parameters: ParameterSet, kind: SegmentAnythingKind? = nil, precision: Precision = .float32,
        calibration: Calibration? = nil
    ) throws {
        let kind = try kind ?? SegmentAnythingCheckpoint.kind(of: parameters.shapes)
        let network = try SegmentAnythingNetwork(kind)
        try network.load(SegmentAnythingCheckpoint.used(parameters))
        try self.init(network, kind: kind, precision: precision, calibration: calibration)
    }

    package init(
        _ network: sending SegmentAnythingNetwork, kind: SegmentAnythingKind?, precision: Precision,
        calibration: Calibration? = nil
    ) throws {
        try precision.requireProcessor(or: "use float32")
        self.kind = kind
        self.precision = precision
        inputSide = network.imageEncoder.inputSide
        let quantised = try calibration.map {
            try QuantisedNetwork($0, of: network, named: Self.calibratedNetwork, parameters: network.parameters())
        }
        self.quantised = quantised
        try network.imageEncoder.keepOnlyPacked(precision: precision, quantised)
        self.network = try Frozen(Prompted(network))
    }

    /// Which network a file's tensors are of.
    ///
    /// Throws `ParameterError.missingTensors` where it is none of them.
    package static func kind(of set: ParameterSet) throws -> SegmentAnythingKind { try SegmentAnythingCheckpoint.kind(of: set.shapes) }

    /// Those tensors of a file that the network has, as it encodes them itself; memory is shared with `set`, since ViT-H's
    /// are 2.5 GB.
    package static func parameters(of set: ParameterSet, kind: SegmentAnythingKind) throws -> ParameterSet {
        let used = try SegmentAnythingCheckpoint.used(set)
        // Which refuses what is missing, extra or misshapen.
        try SegmentAnythingNetwork(kind).load(used)
        return used
    }

    /// Parameters by the golden formula.
    package static func goldenParameters(_ kind: SegmentAnythingKind) throws -> ParameterSet {
        let network = try SegmentAnythingNetwork(kind)
        GoldenFormula.fill(network)
        return try network.parameters()
    }

    /// What an image must be resized to for an input of this side.
    package static func inputSize(width: Int, height: Int, side: Int) -> (width: Int, height: Int) {
        let geometry = ImageGeometry(width: width, height: height, side: side)
        return (geometry.inputWidth, geometry.inputHeight)
    }

    /// What an image of `width` × `height` pixels must be resized to (Pillow's bilinear, as the reference does) before it
    /// is embedded: its longer side fills the input.
    public func inputSize(width: Int, height: Int) -> (width: Int, height: Int) {
        Self.inputSize(width: width, height: height, side: inputSide)
    }

    /// Embeds an image that was resized to `inputSize(width:height:)` of its `original` size. `rgb` is row after row, red,
    /// green, blue.
    ///
    /// Throws `EngineError.shapeMismatch` where the image has another size, or `rgb` other than 3 bytes a pixel.
    public func embed(
        rgb: [UInt8], width: Int, height: Int, of original: (width: Int, height: Int)
    ) throws -> ImageEmbedding {
        let geometry = ImageGeometry(width: original.width, height: original.height, side: inputSide)
        guard original.width > 0, original.height > 0, width == geometry.inputWidth, height == geometry.inputHeight,
            rgb.count == width * height * 3
        else {
            throw EngineError(
                .shapeMismatch,
                "an image of \(original.width)×\(original.height) must come resized to "
                    + "\(geometry.inputWidth)×\(geometry.inputHeight), 3 bytes a pixel; this one is \(width)×\(height) with "
                    + "\(rgb.count) bytes")
        }
        return try embed(Self.input(rgb: rgb, width: width, height: height, side: inputSide), geometry: geometry)
    }

    /// What the encoder reads of a resized image: 1, side, side, 3. Right of the image and below it are zeros, after the
    /// normalisation.
    package static func input(rgb: [UInt8], width: Int, height: Int, side: Int) throws -> Tensor {
        let normalisation = try ColourNormalisation(
            mean: SegmentAnythingCheckpoint.mean.map { $0 / 255 },
            deviation: SegmentAnythingCheckpoint.deviation.map { $0 / 255 })
        let image = try Tensor.images(rgb: rgb, count: 1, height: height, width: width, normalisation: normalisation)
        return try Tensor.filled([1, side, side, 3]) { memory in
            memory.update(repeating: 0)
            image.withValues { rows in
                for row in 0..<height {
                    for index in 0..<width * 3 { memory[row * side * 3 + index] = rows[row * width * 3 + index] }
                }
            }
        }
    }

    /// Embeds an input that is prepared already: 1, side, side, 3.
    package func embed(_ input: Tensor, geometry: ImageGeometry) throws -> ImageEmbedding {
        try network { prompted in
            let encoder = prompted.network.imageEncoder
            let made = try encoder(input, ForwardPass(inferringIn: precision, quantised))
            return ImageEmbedding(values: made.values, grid: encoder.gridSide, geometry: geometry)
        }
    }

    /// The mask of what the prompt means; with `multiple` the three masks of what it may mean (whole, part, part of a
    /// part), which is better for a single point.
    ///
    /// Throws `EngineError.invalidOption` for a prompt without points, box and mask, or with coordinates that are not
    /// finite.
    public func masks(
        _ embedding: ImageEmbedding, _ prompt: SegmentationPrompt, multiple: Bool = false
    ) throws -> [MaskPrediction] {
        let (logits, quality) = try lowResolution(embedding, prompt, multiple: multiple)
        return try quality.indices.map { index in
            let mask = try fullSize(logits.rows(index..<index + 1), embedding.geometry)
            return MaskPrediction(
                mask: mask, width: embedding.width, height: embedding.height, predictedIoU: quality[index],
                lowResolution: try logits.rows(index..<index + 1).values)
        }
    }

    /// All that lies in one of the boxes' masks: the pseudo-label of an image (zeros where there is no box), and the
    /// intersection over union that the network foresees for each box's mask.
    ///
    /// Throws `EngineError.notFinite` where the network gives no numbers: a threshold would make an empty mask of them.
    public func union(
        _ embedding: ImageEmbedding, boxes: [SegmentationPrompt.Box]
    ) throws -> (mask: [UInt8], predictedIoU: [Float]) {
        var whole = [UInt8](repeating: 0, count: embedding.width * embedding.height)
        var qualities: [Float] = []
        for box in boxes {
            for prediction in try masks(embedding, SegmentationPrompt(box: box)) {
                guard prediction.predictedIoU.isFinite, prediction.lowResolution.allSatisfy(\.isFinite) else {
                    throw EngineError(
                        .notFinite, "the mask of its box holds no numbers; look at the image, then at the model")
                }
                for index in whole.indices { whole[index] |= prediction.mask[index] }
                qualities.append(prediction.predictedIoU)
            }
        }
        return (whole, qualities)
    }

    /// Logits (masks, pixels) at a quarter of the input's resolution, and the quality foreseen.
    package func lowResolution(
        _ embedding: ImageEmbedding, _ prompt: SegmentationPrompt, multiple: Bool
    ) throws -> (logits: Tensor, quality: [Float]) {
        let box = prompt.box.map { [$0.left, $0.top, $0.right, $0.bottom] } ?? []
        guard !prompt.points.isEmpty || prompt.box != nil || prompt.mask != nil,
            (prompt.points.flatMap { [$0.x, $0.y] } + box).allSatisfy(\.isFinite)
        else {
            throw EngineError(.invalidOption, "a prompt needs a point, a box or a mask, with finite coordinates")
        }
        return try network { prompted in
            let pass = ForwardPass(.evaluation)
            let (network, grid) = (prompted.network, embedding.grid)
            return try network.maskDecoder(
                embedding: embedding.tensor(), positions: prompted.positions,
                prompts: network.promptEncoder.tokens(embedding.geometry.toInput(prompt), imageSize: inputSide),
                map: network.promptEncoder.map(prompt.mask, grid: grid, pass),
                masks: multiple ? MaskDecoder.multiple : MaskDecoder.single, pass)
        }
    }

    /// Logits of one mask in the image's own pixels: to the input's resolution, cut to the image, to its size, above zero.
    func fullSize(_ logits: Tensor, _ geometry: ImageGeometry) throws -> [UInt8] {
        let pass = ForwardPass(.evaluation)
        let low = inputSide / 4
        let square = try pass.resized(
            pass.reshaped(logits, to: [1, low, low, 1]), height: inputSide, width: inputSide, alignsCorners: false)
        let rows = try pass.reshaped(square, to: [inputSide, inputSide]).rows(0..<geometry.inputHeight)
        let cut = try pass.channels(rows, 0..<geometry.inputWidth)
        let full = try pass.resized(
            pass.reshaped(cut, to: [1, geometry.inputHeight, geometry.inputWidth, 1]), height: geometry.height,
            width: geometry.width, alignsCorners: false)
        return full.withValues { $0.map { $0 > 0 ? 255 : 0 } }
    }
}
