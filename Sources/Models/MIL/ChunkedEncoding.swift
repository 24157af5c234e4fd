import NeuralNetwork

/// The features of a bag, with a way back for their gradient that fits into memory.
struct ChunkedEncoding {
    private let encoder: any ImageBackbone
    private let images: Tensor
    private let chunks: [Range<Int>]
    private let precision: Precision
    /// Of each chunk: its tape and features, where they were kept.
    private let kept: [(tape: Tape, features: Tensor)]
    /// n, features of the encoder.
    let features: Tensor

    /// `isRecorded`: whether there will be a way back.
    init(_ encoder: any ImageBackbone, _ images: Tensor, settings: MILTrainingSettings, isRecorded: Bool = true) throws {
        guard images.shape.count == 4, images.shape[0] > 0 else {
            throw EngineError(.shapeMismatch, "the encoder needs images as N,H,W,3; got \(images.shape)")
        }
        guard images.isFinite else {
            // Before running statistics could learn from it.
            throw EngineError(.notFinite, "the images hold a value that is no number: check their normalisation")
        }
        let ranges = Self.chunks(of: images.shape[0], size: settings.encoderChunk)
        self.encoder = encoder
        self.images = images
        chunks = ranges
        precision = settings.precision
        let fits = ranges.count == 1 || Self.activationBytes(encoder, images) <= settings.activationBudget
        let keeps = isRecorded && fits
        var kept: [(Tape, Tensor)] = []
        var features: [Tensor] = []
        for range in ranges {
            let tape = keeps ? Tape() : nil
            // Running statistics learn in this first pass only.
            let pass = ForwardPass(.training, recordingOn: tape, precision: precision)
            let encoded = try encoder.features(Self.part(images, range), pass)
            if let tape { kept.append((tape, encoded)) }
            features.append(encoded)
        }
        self.kept = kept
        // A tensor of its own: the chunks' features are roots of other tapes.
        self.features = try Tensor.concatenated(features)
    }

    /// Carries the gradient of the features to the encoder's parameters.
    func backward(_ gradient: Tensor) throws {
        for (index, range) in chunks.enumerated() {
            let part = try gradient.rows(range)
            if kept.indices.contains(index) {
                try kept[index].tape.backward(from: [(kept[index].features, part)])
            } else {
                let tape = Tape()
                let pass = ForwardPass(
                    .training, recordingOn: tape, updatesRunningStatistics: false, precision: precision)
                let encoded = try encoder.features(Self.part(images, range), pass)
                try tape.backward(from: [(encoded, part)])
            }
        }
    }

    static func part(_ images: Tensor, _ range: Range<Int>) throws -> Tensor {
        range.count == images.shape[0] ? images : try images.rows(range)
    }

    /// Ranges of at most `size` images, of about equal length: none is left with statistics over one image while
    /// its neighbours have many.
    static func chunks(of count: Int, size: Int) -> [Range<Int>] {
        let parts = (count + size - 1) / size
        return (0..<parts).map { count * $0 / parts..<count * ($0 + 1) / parts }
    }

    /// What a recorded pass keeps, roughly.
    private static func activationBytes(_ encoder: any ImageBackbone, _ images: Tensor) -> Int {
        images.shape[0] * images.shape[1] * images.shape[2] * encoder.activationsPerPixel * 4
    }
}
