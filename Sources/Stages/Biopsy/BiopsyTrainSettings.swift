import Foundation
import Imaging
import Models
import NeuralNetwork

/// Settings of the stage `biopsy-train`. A field that is absent takes the default written here.
public struct BiopsyTrainSettings: Sendable, Hashable, Codable {
    // Rounds and replicas
    public var rounds = 5
    /// Logical replicas over all centres, shared out by their images; each centre has at least one.
    public var replicas = 2
    public var localEpochs = 3
    public var averaging = MILTrainSettings.Averaging.fedavg
    public var missingReplicas = MissingReplicas.refuse
    /// `last`, or `best` by the area on validation studies.
    public var select = MILTrainSettings.Select.last

    // The network
    /// What the encoder starts from.
    public var start = Start.mil
    /// Nil: that of the MIL network that it starts from, or else ResNet-18.
    public var encoder: EncoderKind?
    /// For `start: "file"`: an encoder by its published names, a MIL network, or a whole network of this stage.
    public var initialCheckpoint: String?
    public var imageSize = 224
    /// Nil: those that the encoder was trained with; from random values, the method's.
    public var mean: [Float]?
    public var deviation: [Float]?
    /// Whether the encoder learns, or the head alone.
    public var trains = Part.all
    /// Whether the encoder's batch normalisation uses its running statistics while it learns: a little pathology makes poor ones.
    /// From random values there are none to use.
    public var freezesBatchNorm = true

    // What is learnt from
    public var images = Images.scores
    /// Of a study, so many images at most; those of the highest score first.
    public var imagesPerStudy = 3
    /// With `images: "scores"`, from this probability on; a study's highest image is learnt from in any case.
    public var minimumScore = 0.5
    /// Share of the patients with pathology that is learnt from, of each class; another `draw` draws others, and a larger
    /// share of one draw holds every smaller one.
    public var fraction = 1.0
    public var draw = 0
    /// Whether both classes count alike, however many images they have.
    public var isBalanced = true
    public var augmentation = Augmenting.biopsy
    public var imageCacheBytes = 2 << 30
    public var validationStudiesPerShard = 64

    // The optimiser
    public var batch = 16
    public var optimiser = MILTrainSettings.OptimiserKind.adamw
    public var learningRate: Float = 1e-4
    public var momentum: Float = 0
    public var weightDecay: Float = 0.01
    public var schedule = MILTrainSettings.Schedule.cosine
    public var finalRateShare: Float = 0.02
    public var warmUp: Float = 0.1
    public var precision = MILScoreSettings.Arithmetic.fp32

    public enum Start: String, Sendable, Hashable, NamedChoice {
        /// The encoder of the MIL network that an earlier step trained.
        case mil
        /// A file.
        case file
        /// From the seed.
        case random
    }

    public enum Part: String, Sendable, Hashable, NamedChoice { case all, head }

    /// Which images of a study carry its pathology.
    public enum Images: String, Sendable, Hashable, NamedChoice {
        /// Those that the MIL student scores highest: weak labels, for archives that nobody has looked through.
        case scores
        /// Those that the archive's own truth says show a polyp.
        case truth
        /// All of them: for archives whose images were chosen by hand.
        case all

        var needs: [StageNeed] {
            self == .scores
                ? [StageNeed(.studentScores, or: "choose images otherwise (`images: \"truth\"` or `\"all\"`)")] : []
        }
    }

    public enum Augmenting: String, Sendable, Hashable, NamedChoice { case none, flips, mild, biopsy }

    public init() {}

    init(_ settings: StageSettings, stage: String) throws {
        self = try settings.laid(
            over: BiopsyTrainSettings(), optional: ["encoder", "initialCheckpoint", "mean", "deviation"], stage: stage)
        var faults: [String] = []
        func require(_ holds: Bool, _ fault: String) { if !holds { faults.append(fault) } }
        require((1...10_000).contains(rounds), "rounds is 1 to 10000")
        require(replicas >= 1 && localEpochs >= 1, "replicas and localEpochs are at least 1")
        if let fault = averaging.fault(replicas: replicas) { faults.append(fault) }
        require((start == .file) == (initialCheckpoint != nil), "initialCheckpoint is for `start: \"file\"`, which needs one")
        require(start != .mil || encoder == nil, "encoder is that of the MIL network, unless `start` is \"file\" or \"random\"")
        require((32...2048).contains(imageSize), "imageSize is 32 to 2048")
        let multiple = encoder?.sideMultiple ?? 1
        require(imageSize % multiple == 0, "imageSize is a multiple of \(multiple) for \(encoder?.rawValue ?? "")")
        require(mean.map { $0.count == 3 } ?? true, "mean has three numbers")
        require(deviation.map { $0.count == 3 && $0.allSatisfy { $0 > 0 } } ?? true, "deviation has three numbers above 0")
        require((mean == nil) == (deviation == nil), "mean and deviation go together")
        require((1...1000).contains(imagesPerStudy), "imagesPerStudy is 1 to 1000")
        require((0...1).contains(minimumScore), "minimumScore is a probability")
        require(fraction > 0 && fraction <= 1, "fraction is above 0 up to 1")
        require(imageCacheBytes >= 0, "imageCacheBytes is not negative")
        require(validationStudiesPerShard >= 1, "validationStudiesPerShard is at least 1")
        require((2...1024).contains(batch), "batch is 2 to 1024: batch normalisation needs two images")
        require(learningRate > 0 && learningRate.isFinite && weightDecay >= 0, "learningRate is above 0, weightDecay not negative")
        require(momentum >= 0 && momentum < 1, "momentum is 0 to below 1")
        require((0...1).contains(finalRateShare) && (0..<1).contains(warmUp), "finalRateShare and warmUp are shares")
        guard faults.isEmpty else {
            throw StageError(.invalidSettings, "stage \(stage): " + faults.joined(separator: "; "))
        }
    }

    var optimiserSettings: OptimiserSettings {
        optimiser == .sgd
            ? .sgd(rate: learningRate, momentum: momentum, weightDecay: weightDecay)
            : .adamW(rate: learningRate, weightDecay: weightDecay)
    }

    var change: BagImages.Change {
        switch augmentation {
        case .none: .none
        case .flips: .flips
        case .mild: .drawn(.mild, side: imageSize)
        case .biopsy: .drawn(.opticalBiopsy, side: imageSize)
        }
    }

    /// The learning rate at `place` of the whole training, 0…1.
    func rate(at place: Double) -> Float {
        LearningRate(full: learningRate, schedule: schedule, finalShare: finalRateShare, warmUp: warmUp).at(place)
    }
}

extension BiopsyTrainSettings: RoundSettings {}
