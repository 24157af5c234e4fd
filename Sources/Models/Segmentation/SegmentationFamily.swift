import NeuralNetwork

/// A network architecture for segmentation with its sizes: all that training, inference, files and stages ask of it.
///
/// A new one is a folder with a type that conforms to this, and its line in `SegmentationFamilies`.
public protocol SegmentationFamily: Sendable {
    /// By what pipelines call its sizes.
    associatedtype Size: NamedChoice & Sendable

    /// In pipelines, calibrations and results: lower case, words joined by hyphens.
    var name: String { get }
    /// For people.
    var title: String { get }
    /// That of the reference.
    var usualSize: Size { get }
    /// The reference's settings, as far as a stage has them.
    var recipe: SegmentationRecipe { get }
    /// Of which the sides of its images are multiples.
    var sideMultiple: Int { get }
    /// Whether it has branches that drop path leaves out.
    var dropsPaths: Bool { get }
    /// Whether a prediction is stretched to 0…1 image by image, or is the sigmoid as it is.
    var stretchesPredictions: Bool { get }
    /// What the random numbers of a training are named after: with another name they are others.
    var trainingStream: String { get }

    /// "… on PVTv2-B0", for people.
    func title(ofSize size: Size) -> String

    /// The size of the network whose tensors these are, under their own names; nil where they are of none of the family.
    /// Told by a few names and shapes: loading says what else is wrong.
    func size(of tensors: TensorShapes) -> Size?

    /// The network as it starts: from `seed`, or zeros and ones without one, for who loads parameters.
    ///
    /// - Parameter dropPath: the probability of leaving out the last branch; without meaning unless `dropsPaths`.
    /// - Throws: `EngineError.invalidOption`.
    func network(_ size: Size, dropPath: Float, seed: UInt64?) throws -> sending any SegmentationNetwork

    /// Of which files of other networks its encoder can start, nil where there are none.
    func encoder(ofSize size: Size) -> KnownNetwork?

    /// Its file of reference numbers, without extension; nil where there is none.
    var goldenFile: String? { get }

    /// Its own numbers beside those of `goldenFile`, by tensor.
    func golden(_ check: GoldenCheck, wanted: Set<String>) throws -> [String: [Float]]
}

extension SegmentationFamily {
    public var dropsPaths: Bool { false }
    public var stretchesPredictions: Bool { false }
    public var trainingStream: String { "SegmentationTrainer" }
    public func encoder(ofSize size: Size) -> KnownNetwork? { nil }
    public var goldenFile: String? { nil }
    public func golden(_ check: GoldenCheck, wanted: Set<String>) throws -> [String: [Float]] { [:] }

    /// The names of its sizes.
    public var sizes: [String] { Size.allCases.map(\.rawValue) }
}

/// How a family is trained by its reference, as far as it can be said in a stage's settings.
public struct SegmentationRecipe: Sendable, Hashable {
    /// Side of the square input in pixels.
    public var imageSize = 352
    public var dropPath: Float = 0
    public var augmentation = SegmentationAugmentation.Kind.none
    public var batch = 16
    /// Of AdamW, as the weight decay.
    public var learningRate: Float = 1e-4
    public var weightDecay: Float = 1e-4
    /// Each number of a gradient is brought into ±this.
    public var gradientLimit: Float = 0.5
    public var scales: [Float] = [1]

    public init() {}
}
