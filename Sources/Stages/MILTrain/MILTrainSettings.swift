import Foundation
import Imaging
import Models
import NeuralNetwork

/// Settings of the stage `mil-train`. A field that is absent takes the default written here.
public struct MILTrainSettings: Sendable, Hashable, Codable {
    // Rounds and replicas
    /// Rounds of parameter averaging.
    public var rounds = 12
    /// Logical replicas over all centres, shared out by their images; each centre has at least one.
    public var replicas = 4
    /// Passes of a replica over its bags in one round.
    public var localEpochs = 1
    /// `fedavg`, `diloco`, `median` or `trimmed` (a tenth cut on each side).
    public var averaging = Averaging.fedavg
    /// Whether a round may be averaged without shards that were set aside.
    public var missingReplicas = MissingReplicas.refuse
    /// Which model the stage ends with.
    public var select = Select.last

    // The network
    /// `images` are read and encoded anew in every pass, and the encoder learns. `features` are those of a `features` step:
    /// the encoder stays as it is, `encoder`, `imageSize`, `mean`, `deviation` and `augmentation` are that step's, and a round
    /// takes seconds.
    public var input = Input.images
    public var encoder = EncoderKind.resNet18
    public var imageSize = 512
    /// In so many rounds from the first, images of `earlyImageSize` are learnt from: what is coarse is learnt cheaply
    /// before what is fine.
    public var earlyRounds = 0
    public var earlyImageSize = 64
    public var teacherHidden = 1024
    public var studentHidden = 4096
    public var dropout: Float = 0.5
    /// Standard deviation of the heads' linear layers at the start. The reference's 0.01 suits an encoder that knows
    /// something; with one that starts from nothing, so faint a gradient comes back that it learns nothing for long:
    /// 0.05, about that of He et al. 2015, is for those.
    public var headDeviation: Float = 0.01
    /// A checkpoint on the coordinator's host to start from: a whole network of this stage, or an encoder by its
    /// published names (`.safetensors`, `.pth`). Without it, parameters start from the seed.
    public var initialCheckpoint: String?
    public var mean: [Float] = [0.47404, 0.29778, 0.18896]
    public var deviation: [Float] = [0.27689, 0.20880, 0.16107]

    // The optimiser
    public var optimiser = OptimiserKind.sgd
    public var learningRate: Float = 1e-3
    public var momentum: Float = 0
    public var weightDecay: Float = 0
    /// `constant`, or `cosine` from the learning rate to `finalRateShare` of it over all rounds.
    public var schedule = Schedule.constant
    public var finalRateShare: Float = 0.02
    /// Share of all rounds over which the learning rate rises from nothing.
    public var warmUp: Float = 0
    /// Share of each round over which a replica's learning rate rises from nothing: its optimiser starts afresh, and what
    /// AdamW knows of the gradients' size after a few steps is little.
    public var localWarmUp: Float = 0
    public var gradientNormLimit: Float?

    /// What the encoder multiplies in while it learns: `fp32` or, where every worker's processor has it, `bf16`.
    public var precision = MILScoreSettings.Arithmetic.fp32

    // Teachers
    /// Bags in one optimiser step; the reference takes one. More are encoded together, so that batch normalisation sees
    /// several patients.
    public var bagsPerStep = 1
    /// The first round in which the teachers learn.
    public var teacherStartRound = 0
    /// In so many rounds from their first, the teachers learn and the encoder does not learn from them. Heads that begin at
    /// random beside an encoder that the student has taught disagree with it by chance, and would turn it round rather than
    /// themselves: heads first, then all (Kumar et al., ICLR 2022). The reference has none of them.
    public var teacherHeadRounds = 0
    /// The learning rate of the teachers' own layers, in that of everything else: above 1 where they start from random beside
    /// an encoder that has been taught. The reference has 1.
    public var teacherRateFactor: Float = 1
    /// Weights of the attention's and of DSMIL's loss.
    public var teacherWeights: [Float] = [1, 1]
    /// Images of a bag that are used, the first by name.
    public var maxImagesPerBag = 100

    // Student
    public var studentBatch = 128
    /// Weights of the attention's and of DSMIL's pseudo-labels.
    public var mergeWeights: [Float] = [0.5, 0.5]
    /// w of the student's loss.
    public var negativeWeight: Float = 0.1
    /// The first round in which the student learns.
    public var studentStartRound = 0
    /// In so many rounds from the first, each image inherits its bag's label, because teachers that know nothing have
    /// nothing to teach. The reference has none of them: its encoder comes from ImageNet.
    public var inheritedLabelRounds = 0
    public var studentFilter = StudentFilter.dropConfidentNegatives
    /// The first round in which the teachers see positive bags through the student.
    public var filterStartRound = 4
    /// Share of a positive bag that `dropConfidentNegatives` keeps: those that the student ranks highest.
    public var keptShare = 0.95

    // Data
    public var augmentation = AugmentationKind.flips
    public var isReducedDecodeAllowed = true
    /// Bytes of decoded images and masks that a process keeps, for all that train in it together.
    public var imageCacheBytes = 2 << 30
    /// Bags of one validation shard.
    public var validationStudiesPerShard = 64

    public enum Input: String, Sendable, Hashable, NamedChoice { case images, features }

    public enum Averaging: String, Sendable, Hashable, NamedChoice {
        case fedavg, diloco, median, trimmed

        /// What is wrong with averaging so many replicas, as the end of a sentence; nil: nothing.
        func fault(replicas: Int) -> String? {
            self == .trimmed && replicas < 10
                ? "averaging \"trimmed\" leaves out a tenth at both ends: it takes at least 10 replicas" : nil
        }
    }
    public enum Select: String, Sendable, Hashable, NamedChoice { case last, best }
    public enum OptimiserKind: String, Sendable, Hashable, NamedChoice { case sgd, adamw }
    public enum Schedule: String, Sendable, Hashable, NamedChoice { case constant, cosine }
    public enum AugmentationKind: String, Sendable, Hashable, NamedChoice {
        case none, flips, mild

        func change(side: Int) -> BagImages.Change {
            switch self {
            case .none: .none
            case .flips: .flips
            case .mild: .drawn(.mild, side: side)
            }
        }
    }
    public enum StudentFilter: String, Sendable, Hashable, NamedChoice {
        case none
        /// Images that the student ranks lowest leave the positive bag.
        case dropConfidentNegatives
        /// Positive bags are recombined: half of the images the student ranks highest, and some of the others.
        case pseudoBags
    }

    public init() {}

    /// Of heads on features that are given, or of a whole network.
    func configuration(givenFeatures: Int? = nil) -> MILConfiguration {
        MILConfiguration(
            encoder: encoder, givenFeatures: givenFeatures, teacherHidden: teacherHidden, studentHidden: studentHidden, dropout: dropout)
    }

    public var configuration: MILConfiguration { configuration() }

    /// Of the network that learns from these bags.
    func configuration(of list: BagList) -> MILConfiguration { configuration(givenFeatures: list.features?.length) }

    public func normalisation() throws -> ColourNormalisation { try ColourNormalisation(mean: mean, deviation: deviation) }

    var trainingSettings: MILTrainingSettings {
        var settings = MILTrainingSettings()
        settings.optimiser =
            optimiser == .sgd
            ? .sgd(rate: learningRate, momentum: momentum, weightDecay: weightDecay)
            : .adamW(rate: learningRate, weightDecay: weightDecay)
        settings.teacherWeights = teacherWeights
        settings.teacherRateFactor = teacherRateFactor
        settings.negativeWeight = negativeWeight
        settings.encoderChunk = max(32, studentBatch)
        settings.gradientNormLimit = gradientNormLimit
        settings.precision = precision.precision
        return settings
    }

    /// Side of the network's input in a round, in pixels.
    func side(inRound round: Int) -> Int { round < earlyRounds ? earlyImageSize : imageSize }

    /// The learning rate at `place` of the whole training, 0…1.
    package func rate(at place: Double) -> Float {
        LearningRate(full: learningRate, schedule: schedule, finalShare: finalRateShare, warmUp: warmUp).at(place)
    }
}
