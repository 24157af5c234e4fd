import Foundation
import Imaging
import Models
import NeuralNetwork

/// Settings of the stage `segment-train`. A field that is absent takes the default written here, the method's (docs/Method.md,
/// section 5), or what the recipe of another `network` says.
public struct SegmentTrainSettings: Sendable, Hashable, Codable {
    // Rounds and replicas
    public var rounds = 10
    /// Logical replicas over all centres, shared out by their images; each centre has at least one.
    public var replicas = 4
    public var localEpochs = 1
    public var averaging = MILTrainSettings.Averaging.fedavg
    /// Whether a round may be averaged without shards that were set aside.
    public var missingReplicas = MissingReplicas.refuse
    /// `last`, or `best` by the Dice on validation studies.
    public var select = MILTrainSettings.Select.last

    // The network
    /// Which of `SegmentationFamilies`; nil for the first, whose defaults are written here. Others have their own.
    public var network: SegmentationName?
    /// One of the network's sizes.
    public var size = "b2"
    /// Side of the square input in pixels, a multiple of what the network asks for.
    public var imageSize = 352
    public var dropPath: Float = 0.1
    /// A checkpoint on the coordinator's host: a whole network, or its encoder by its own names.
    public var initialCheckpoint: String?

    // What is learnt from
    public var labels = Source.camMask
    /// So many images of studies whose report says no, in those with a mask, are learnt from as images that show nothing. A
    /// network that has only seen polyps draws one into every image. The method has none.
    public var negativeShare = 0.0
    /// Mirrored and rotated views of image and mask.
    public var augmentation = SegmentationAugmentation.Kind.reference
    /// Bytes of decoded images and masks that a process keeps, for all that train in it together.
    public var imageCacheBytes = 2 << 30
    public var validationImagesPerShard = 64

    // The optimiser
    public var batch = 16
    public var learningRate: Float = 1e-4
    public var weightDecay: Float = 1e-4
    public var gradientLimit: Float = 0.5
    public var scales: [Float] = [0.75, 1, 1.25]
    public var schedule = MILTrainSettings.Schedule.constant
    public var finalRateShare: Float = 0.02
    /// Share of all rounds over which the learning rate rises from nothing.
    public var warmUp: Float = 0
    public var precision = MILScoreSettings.Arithmetic.fp32

    /// Where masks come from.
    public enum Source: String, Sendable, Hashable, NamedChoice {
        /// The foreground of class activation maps whose box was kept.
        case camMask = "cam-mask"
        /// The same of ToCo's maps.
        case toCoMask = "toco-cam-mask"
        /// What Segment Anything made of boxes that were kept.
        case samMask = "sam-mask"
        /// Masks drawn by people, which the archive brings along: supervised training.
        case truth

        /// What an earlier step leaves of them, where `from` names no step; nil for masks that the archive brings along.
        var product: Product? { self == .truth ? nil : Product(.masks, rawValue) }
    }

    public init() {}

    init(_ settings: StageSettings, stage: String) throws {
        self = try settings.laid(
            over: Self.defaults(settings, stage: stage), optional: ["network", "initialCheckpoint"], stage: stage)
        var faults = networkFaults
        func require(_ holds: Bool, _ fault: String) { if !holds { faults.append(fault) } }
        require((1...10_000).contains(rounds), "rounds is 1 to 10000")
        require(replicas >= 1 && localEpochs >= 1, "replicas and localEpochs are at least 1")
        if let fault = averaging.fault(replicas: replicas) { faults.append(fault) }
        require((0...10).contains(negativeShare), "negativeShare is 0 to 10")
        require(imageCacheBytes >= 0, "imageCacheBytes is not negative")
        require((2...1024).contains(batch), "batch is 2 to 1024: batch normalisation needs two images")
        require(learningRate > 0 && learningRate.isFinite && weightDecay >= 0, "learningRate is above 0, weightDecay not negative")
        require(gradientLimit > 0, "gradientLimit is above 0")
        require(!scales.isEmpty && scales.allSatisfy { (0.25...4).contains($0) }, "scales are 0.25 to 4")
        require((0...1).contains(finalRateShare) && (0..<1).contains(warmUp), "finalRateShare and warmUp are shares")
        require(validationImagesPerShard >= 1, "validationImagesPerShard is at least 1")
        guard faults.isEmpty else {
            throw StageError(.invalidSettings, "stage \(stage): " + faults.joined(separator: "; "))
        }
    }

    var trainingSettings: SegmentationTrainingSettings {
        SegmentationTrainingSettings(
            optimiser: .adamW(rate: learningRate, weightDecay: weightDecay), gradientLimit: gradientLimit, scales: scales,
            precision: precision.precision)
    }

    var normalisation: ColourNormalisation { .imageNet }

    func augmentationOfBatches() -> SegmentationAugmentation? {
        // Black after normalisation.
        let black = zip(normalisation.mean, normalisation.deviation).map { -$0 / $1 }
        switch augmentation {
        case .none: return nil
        case .flips: return SegmentationAugmentation(rotation: 0, flip: 0.5, black: black)
        case .reference: return SegmentationAugmentation(black: black)
        case .wide:
            var wide = SegmentationAugmentation(black: black)
            (wide.zoom, wide.mirrors) = (0.5...1.3, 0.5)
            return wide
        }
    }

    /// What light and colours become, nil where they stay.
    var jitter: ColourJitter? {
        augmentation == .wide ? ColourJitter(brightness: 0.3, contrast: 0.3, saturation: 0.4, hue: 0.02) : nil
    }

    /// The learning rate at `place` of the whole training, 0…1.
    func rate(at place: Double) -> Float {
        LearningRate(full: learningRate, schedule: schedule, finalShare: finalRateShare, warmUp: warmUp).at(place)
    }
}
