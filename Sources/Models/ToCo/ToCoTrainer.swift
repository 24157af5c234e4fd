import NeuralNetwork

/// Trains a `ToCoNetwork`, one batch a step, from labels of whole images (docs/Method.md, section 3).
///
/// How a stage uses it, on the thread of its compute slot:
///
///     ComputeThreads.set(1)
///     let network = try ToCoNetwork(configuration, seed: jobSeed)
///     try network.load(baseParameters)                             // the round's parameters
///     let trainer = try ToCoTrainer(network, settings, seed: f(job, round, replica), iteration: done)
///     let step = try trainer.step(images: batch, labels: [1, 0, 1, 0])
///     let result = try network.parameters()
///
/// With one seed, one order of steps and one numeric setup, results are equal to the last bit. `seed` decides
/// stochastic depth and where crops are taken. AdamW's moments live as long as the trainer.
///
/// Not Sendable: a trainer and its network belong to one thread.
public final class ToCoTrainer {
    public let network: ToCoNetwork
    public let settings: ToCoTrainingSettings
    /// Steps taken so far, those before this trainer included: the schedules' place.
    public private(set) var iteration: Int
    private let optimiser: Optimiser
    private var seeds: CounterRandom

    /// Throws `EngineError` for settings out of range.
    public init(
        _ network: ToCoNetwork, _ settings: ToCoTrainingSettings = ToCoTrainingSettings(), seed: UInt64, iteration: Int = 0
    ) throws {
        try settings.check(for: network.configuration)
        self.network = network
        self.settings = settings
        self.iteration = iteration
        let heads =
            [network.classifier, network.auxiliaryClassifier] + network.decoder.learnt + (network.projection?.learnt ?? [])
        optimiser = Optimiser(
            .adamW(rate: settings.rate, weightDecay: settings.weightDecay),
            groups: [
                Optimiser.Group(network.encoder.learnt), Optimiser.Group(heads, rateFactor: settings.headFactor),
            ])
        seeds = CounterRandom(seed: seed, stream: "ToCoTrainer")
    }

    /// What one step saw.
    public struct Step: Sendable {
        /// The sum of the losses by their weights.
        public let loss: Float
        /// Each loss that took part, before its weight, by the name of its weight (`energy` for the regularised one).
        public let parts: [String: Float]
        /// The probability of the finding for each image, before the step.
        public let probabilities: [Float]
    }

    /// One step on `images` (N,H,W,3, normalised), with 1 or 0 for each.
    ///
    /// Throws `EngineError`: `shapeMismatch`; `notFinite` where a loss or a gradient is no number. Of a loss that is none,
    /// nothing is learnt; with a gradient that is none the network is spoilt, since others have been followed by then.
    public func step(images: Tensor, labels: [Int]) throws -> Step {
        guard images.shape.count == 4, images.shape[3] == 3, images.shape[0] == labels.count, !labels.isEmpty,
            labels.allSatisfy((0...1).contains)
        else {
            throw EngineError(.shapeMismatch, "\(labels.count) labels (0 or 1) for images of \(images.shape) (N,H,W,3)")
        }
        network.clearGradients()
        let maps = try targetMaps(images, labels)
        let tape = Tape()
        let pass = ForwardPass(.training, recordingOn: tape, seed: seeds.next(), precision: settings.precision)
        let features = try network.features(images, pass)
        var losses = WeightedLosses()
        let logits = try network.classLogits(features.map, pass)
        let auxiliary = try network.classLogits(features.auxiliary, pass, auxiliary: true)
        let wanted = labels.map(Float.init)
        try losses.add("classification", settings.weights.classification, logits) { try ToCoLosses.softMargin($0, labels: wanted) }
        try losses.add("auxiliary", settings.weights.auxiliary, auxiliary) { try ToCoLosses.softMargin($0, labels: wanted) }
        try contrastPatches(features, maps.auxiliary, labels, pass, &losses)
        try contrastClassTokens(features, maps.auxiliary, images, labels, pass, &losses)
        try teachDecoder(
            features, iteration < settings.mainMapStart ? maps.auxiliary : maps.main, images, labels, pass, &losses)
        guard losses.total.isFinite else {
            throw EngineError(.notFinite, "loss \(losses.total): lower the learning rate, or check the images")
        }
        let (optimiser, rate) = (optimiser, settings.rate(at: iteration))
        try tape.backward(from: losses.roots) { try optimiser.step($0, rate: rate) }
        if settings.weights.classContrast != 0, let projection = network.projection {
            network.projectionTeacher?.follow(projection, share: settings.teacherMomentum)
        }
        iteration += 1
        return Step(
            loss: losses.total, parts: losses.parts,
            probabilities: logits.values.map { Float(1 / (1 + Double.exponential(-$0))) })
    }

    // What this step learns from maps.

    private var contrastsPatches: Bool {
        settings.weights.patchContrast != 0 && iteration >= settings.patchContrastStart
    }

    private var contrastsClassTokens: Bool { settings.weights.classContrast != 0 }

    private var teachesDecoder: Bool {
        iteration >= settings.segmentationStart
            && (settings.weights.segmentation != 0 || settings.weights.dice != 0 || settings.energy != nil)
    }

    /// Maps of the images that show the finding; zeros for the others, whose targets are background all over, and where
    /// this step has no use for maps.
    private func targetMaps(_ images: Tensor, _ labels: [Int]) throws -> ToCoNetwork.ActivationMaps {
        let positives = labels.indices.filter { labels[$0] == 1 }
        let shape = Array(images.shape.dropLast()) + [1]
        guard !positives.isEmpty, contrastsPatches || contrastsClassTokens || teachesDecoder else {
            return ToCoNetwork.ActivationMaps(main: try Tensor.zeros(shape), auxiliary: try Tensor.zeros(shape))
        }
        let chosen = try Tensor.concatenated(positives.map { try images.rows($0..<$0 + 1) })
        let pass = ForwardPass(.evaluation, precision: settings.mapPrecision)
        let seen = try settings.maps(network, chosen, pass).maps
        func spread(_ maps: Tensor) throws -> Tensor {
            let size = shape[1] * shape[2]
            return try Tensor.filled(shape) { result in
                result.update(repeating: 0)
                maps.withValues { maps in
                    for (row, image) in positives.enumerated() {
                        for place in 0..<size { result[image * size + place] = maps[row * size + place] }
                    }
                }
            }
        }
        return ToCoNetwork.ActivationMaps(main: try spread(seen.main), auxiliary: try spread(seen.auxiliary))
    }

    private func contrastPatches(
        _ features: ToCoNetwork.Features, _ maps: Tensor, _ labels: [Int], _ pass: ForwardPass,
        _ losses: inout WeightedLosses
    ) throws {
        guard contrastsPatches else { return }
        let shape = features.map.shape
        let small = try ForwardPass(.evaluation).resized(maps, height: shape[1], width: shape[2], alignsCorners: false)
        let patchLabels = settings.pseudoLabels.labels(small, of: labels)
        let tokens = try pass.reshaped(features.map, to: [shape[0], shape[1] * shape[2], shape[3]])
        try losses.add("patchContrast", settings.weights.patchContrast, pass.cosineSimilarities(tokens)) {
            try ToCoLosses.patchContrast($0, labels: patchLabels)
        }
    }

    private func contrastClassTokens(
        _ features: ToCoNetwork.Features, _ maps: Tensor, _ images: Tensor, _ labels: [Int], _ pass: ForwardPass,
        _ losses: inout WeightedLosses
    ) throws {
        guard contrastsClassTokens, let student = network.projection, let teacher = network.projectionTeacher
        else { return }
        var random = CounterRandom(seed: seeds.next())
        let regions = settings.pseudoLabels.labels(maps, of: labels)
        guard let local = try settings.crops(images, regions: regions, labels: labels, random: &random) else { return }
        // Two views of a whole image: it itself, and another look at each that has crops.
        let chosen = try Tensor.concatenated(local.groups.map { try images.rows($0.whole..<$0.whole + 1) })
        let views = try settings.secondView(chosen, random: &random)
        let exact = ForwardPass(.evaluation)
        let seen = try network.features(views, ForwardPass(.evaluation, precision: settings.mapPrecision)).classToken
        let whole = try Tensor.concatenated([
            teacher(features.classToken, exact), teacher(exact.float32(seen), exact),
        ])
        let second = local.groups.enumerated().map { index, group in
            ClassTokenContrast.Group(
                whole: images.shape[0] + index, positives: group.positives, negatives: group.negatives)
        }
        let crops = try network.features(local.crops, pass)
        try losses.add("classContrast", settings.weights.classContrast, student(crops.classToken, pass)) {
            try settings.contrast(teacher: whole, student: $0, groups: local.groups + second)
        }
    }

    private func teachDecoder(
        _ features: ToCoNetwork.Features, _ maps: Tensor, _ images: Tensor, _ labels: [Int], _ pass: ForwardPass,
        _ losses: inout WeightedLosses
    ) throws {
        guard teachesDecoder else { return }
        let logits = try network.segmentation(features.map, pass)
        let masks = try settings.pseudoLabels.masks(maps, images: images, labels: labels)
        let full = try pass.resized(logits, height: images.shape[1], width: images.shape[2], alignsCorners: false)
        try losses.add("segmentation", settings.weights.segmentation, full) { try ToCoLosses.segmentation($0, labels: masks) }
        try losses.add("dice", settings.weights.dice, full) { try ToCoLosses.dice($0, labels: masks) }
        guard let energy = settings.energy else { return }
        let scale = min(1, Double(energy.side) / Double(max(images.shape[1], images.shape[2])))
        let (height, width) = (max(1, Int(scale * Double(images.shape[1]))), max(1, Int(scale * Double(images.shape[2]))))
        let colours = try ForwardPass(.evaluation).resized(images, height: height, width: width, alignsCorners: false)
        try losses.add(
            "energy", energy.weight, pass.resized(full, height: height, width: width, alignsCorners: false)
        ) { try energy($0, colours: colours) }
    }
}
