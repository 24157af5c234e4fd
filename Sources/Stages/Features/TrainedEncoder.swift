import Digest
import Foundation
import Models
import NeuralNetwork

/// A frozen encoder on its way to the workers, and how images are brought to it.
struct TrainedEncoder: Codable, Hashable, Sendable {
    var kind: EncoderKind
    /// Under the encoder's own names.
    var parameters: SHA256Digest
    var side: Int
    var mean: [Float]
    var deviation: [Float]
    var mirrored: Bool
    var precision: MILScoreSettings.Arithmetic
    var isReducedDecodeAllowed: Bool

    /// Equal for features that may stand for each other, whatever job made them.
    func recipe() throws -> String { SHA256Digest(hashing: try StageCoding.encode(self)).hex }

    init(_ settings: FeaturesSettings, view: any PlanningView) throws {
        let (step, kind) = (view.step.name, settings.encoder)
        let parameters: ParameterSet
        if let file = try settings.file(stage: step) {
            parameters = try WeightsFile.naming(step) { try WeightsFile(file).encoder(kind) }
        } else {
            // The job's, not the step's: two steps that ask for the same have one encoder.
            let seed = Seed(view.seed).derived("random encoder").value
            parameters = try StageError.naming { try kind.make(seed: seed).parameters() }
        }
        let colours = try settings.normalisation()
        self.kind = kind
        self.parameters = try view.store(parameters.encoded())
        (side, mean, deviation) = (settings.side, colours.mean, colours.deviation)
        (mirrored, precision) = (settings.mirrored, settings.precision)
        isReducedDecodeAllowed = settings.isReducedDecodeAllowed
    }

    /// Ready to run, made once a process.
    func extractor(context: any MapContext) throws -> FeatureExtractor {
        try StageError.naming {
            try context.shared("features/\(try recipe())") {
                try FeatureExtractor(
                    ParameterSet(decoding: try context.content(parameters)).sound(), kind: kind,
                    normalisation: ColourNormalisation(mean: mean, deviation: deviation), precision: precision.precision)
            }
        }
    }
}

extension WeightsFile {
    /// The parameters of an encoder alone, from a published file or from a whole network of `mil-train`.
    func encoder(_ kind: EncoderKind) throws -> ParameterSet {
        try outline.require(.start(ofMIL: kind))
        return try fitted {
            let own = if case .mil = outline.network { try tensors.below("encoder.") } else { tensors }
            let made = try kind.make(seed: nil)
            try made.load(kind.tensors(of: own))
            return try made.parameters()
        }
    }
}
