import Digest
import Foundation
import Imaging
import Models
import NeuralNetwork

/// Settings of the stage `toco-train`. A field that is absent takes the default written here: the reference's
/// (docs/Method.md, section 3), whose 80,000 iterations are told as shares of the whole training.
public struct ToCoTrainSettings: Sendable, Hashable, Codable {
    // Rounds and replicas
    public var rounds = 10
    /// Logical replicas over all centres, shared out by their images; each centre has at least one.
    public var replicas = 4
    public var localEpochs = 1
    public var averaging = MILTrainSettings.Averaging.fedavg
    /// Whether a round may be averaged without shards that were set aside.
    public var missingReplicas = MissingReplicas.refuse
    /// `last`, or `best` by the area under the curve of validation studies against their reports.
    public var select = MILTrainSettings.Select.last

    // The network
    public var network = Network.base16
    public var decoder = ToCoConfiguration.Decoder.largeFOV
    /// Whether there are the projection heads of the class-token contrast, which `weights.classContrast` trains.
    public var hasProjections = false
    /// The block whose tokens the auxiliary classifier reads, from the end; −(depth + 1): patches before any block.
    public var auxiliaryLayer = -2
    /// How patches decide about the image; the reference's is `maximum`. `pooledShare` and `lowestWeight` are those of
    /// `topPatches`.
    public var pooling = ToCoConfiguration.Pooling.maximum
    public var pooledShare = 0.05
    public var lowestWeight = 0.0
    /// Side of the square input in pixels.
    public var imageSize = 448
    /// A checkpoint on the coordinator's host: a whole ToCo network, or a vision transformer by timm's names.
    public var initialCheckpoint: String?

    // What is learnt from
    /// Images of positive studies are positive from this probability of the student on.
    public var positiveThreshold = 0.8
    /// Share of a negative study's images that are negatives: those that the student ranks lowest.
    public var negativeShare = 0.1
    public var augmentation = AugmentationKind.reference
    /// Bytes of decoded images and masks that a process keeps, for all that train in it together.
    public var imageCacheBytes = 2 << 30
    public var validationStudiesPerShard = 32

    // The optimiser
    public var batch = 4
    public var learningRate: Float = 6e-5
    public var headFactor: Float = 10
    public var weightDecay: Float = 0.01
    /// Shares of the whole training: over which the rate rises, before patches are contrasted, before the decoder learns,
    /// and before the main maps give its target.
    public var warmUp = 1_500.0 / 80_000
    public var patchContrastStart = 0.0
    public var segmentationStart = 1_000.0 / 80_000
    public var mainMapStart = 12_000.0 / 80_000
    public var weights = ToCoTrainingSettings.Weights()
    public var lowThreshold: Float = 0.25
    public var highThreshold: Float = 0.75
    /// Sizes at which maps for targets are made.
    public var mapScales: [Double] = [1, 0.5, 0.75, 1.25, 1.5]
    public var precision = MILScoreSettings.Arithmetic.fp32

    /// Sizes of the vision transformer.
    public enum Network: String, Sendable, Hashable, NamedChoice {
        /// ViT-B/16 and DeiT-B, ViT-S/16, DeiT-Ti.
        case base16, small16, tiny16
        /// Small enough to learn from random weights in minutes: for the synthetic archive.
        case compact
        /// Half as deep, behind convolutions.
        case compactStem
    }

    /// Changes of images to learn from, drawn anew each time one is seen; those of MIL, and the reference's own.
    public enum AugmentationKind: String, Sendable, Hashable, NamedChoice {
        case none, flips, mild
        /// A window of a larger image, a flip, colours, grey (docs/Method.md, section 3). Images are kept at the larger
        /// size.
        case reference
    }

    /// What happens to images on their way into a batch.
    var change: BagImages.Change {
        switch augmentation {
        case .none: .none
        case .flips: .flips
        case .mild: .drawn(.mild, side: imageSize)
        case .reference: .drawn(.localisation, side: imageSize)
        }
    }

    /// The side that images to learn from are kept at: what `change` cuts its windows out of.
    var keptSide: Int {
        augmentation == .reference ? Augmentation.localisation.resizedSide(for: imageSize) : imageSize
    }

    var configuration: ToCoConfiguration {
        var made: ToCoConfiguration
        switch network {
        case .base16: made = ToCoConfiguration(encoder: .base16)
        case .small16: made = ToCoConfiguration(encoder: .small16)
        case .tiny16: made = ToCoConfiguration(encoder: .tiny16)
        case .compact: made = .small
        case .compactStem: made = .smallStem
        }
        made.decoder = decoder
        made.hasProjections = hasProjections
        made.pooling = pooling
        made.pooledShare = pooledShare
        made.lowestWeight = lowestWeight
        made.auxiliaryLayer = auxiliaryLayer
        return made
    }

    public init() {}

    init(_ settings: StageSettings, stage: String) throws {
        self = try settings.laid(over: ToCoTrainSettings(), optional: ["initialCheckpoint"], stage: stage)
        var faults: [String] = []
        func require(_ holds: Bool, _ fault: String) { if !holds { faults.append(fault) } }
        require((1...10_000).contains(rounds), "rounds is 1 to 10000")
        require(replicas >= 1 && localEpochs >= 1, "replicas and localEpochs are at least 1")
        if let fault = averaging.fault(replicas: replicas) { faults.append(fault) }
        require(imageCacheBytes >= 0, "imageCacheBytes is not negative")
        require(
            lowThreshold > 0 && lowThreshold < highThreshold && highThreshold < 1,
            "lowThreshold lies below highThreshold, both between 0 and 1")
        require(!mapScales.isEmpty && mapScales.allSatisfy { (0.25...4).contains($0) }, "mapScales are 0.25 to 4")
        require((32...2048).contains(imageSize), "imageSize is 32 to 2048")
        require(imageSize % max(1, configuration.encoder.patch) == 0, "imageSize is a multiple of the network's patch")
        require((0...1).contains(positiveThreshold), "positiveThreshold is a probability")
        require(negativeShare > 0 && negativeShare <= 1, "negativeShare is a share above 0")
        require((1...1024).contains(batch), "batch is 1 to 1024")
        require(
            learningRate > 0 && learningRate.isFinite && weightDecay >= 0,
            "learningRate is above 0, weightDecay not negative")
        require(
            [warmUp, patchContrastStart, segmentationStart, mainMapStart].allSatisfy { (0...1).contains($0) },
            "warmUp, patchContrastStart, segmentationStart and mainMapStart are shares of the training")
        require(validationStudiesPerShard >= 1, "validationStudiesPerShard is at least 1")
        do { try configuration.check() } catch let error as EngineError { faults.append(error.message) }
        guard faults.isEmpty else {
            throw StageError(.invalidSettings, "stage \(stage): " + faults.joined(separator: "; "))
        }
    }

    var normalisation: ColourNormalisation { .imageNet }

    /// - Parameter steps: of a replica in the whole training.
    func trainingSettings(steps: Int) -> ToCoTrainingSettings {
        var settings = ToCoTrainingSettings()
        settings.weights = weights
        settings.rate = learningRate
        settings.headFactor = headFactor
        settings.weightDecay = weightDecay
        settings.iterations = max(1, steps)
        settings.warmUp = Int(warmUp * Double(steps))
        settings.patchContrastStart = Int(patchContrastStart * Double(steps))
        settings.segmentationStart = Int(segmentationStart * Double(steps))
        settings.mainMapStart = Int(mainMapStart * Double(steps))
        settings.pseudoLabels.low = lowThreshold
        settings.pseudoLabels.high = highThreshold
        settings.maps = MultiScaleMaps(scales: mapScales)
        settings.secondView.normalisation = normalisation
        settings.precision = precision.precision
        settings.mapPrecision = precision.precision
        return settings
    }
}
