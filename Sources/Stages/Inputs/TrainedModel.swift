import Digest
import Foundation
import Models
import NeuralNetwork

/// What `mil-train` leaves for the stages after it, or a file that they are given: parameters, and the input that they were
/// trained on.
package struct TrainedModel: ImageStageModel, Hashable {
    var parameters: SHA256Digest
    package var parametersOrNone: SHA256Digest? { parameters }
    var imageSize: Int
    var mean: [Float]
    var deviation: [Float]

    /// By which steps find it.
    static let family = "mil"
    private static let channels = ["red", "green", "blue"]

    /// The numbers of a round by which later stages know the network's input.
    static func metrics(side: Int, colours: ColourNormalisation) -> [String: Double] {
        var metrics = ["input.size": Double(side)]
        for (index, channel) in channels.enumerated() {
            metrics["input.mean.\(channel)"] = Double(colours.mean[index])
            metrics["input.deviation.\(channel)"] = Double(colours.deviation[index])
        }
        return metrics
    }

    /// The same of a network trained on images.
    static func metrics(of settings: MILTrainSettings) throws -> [String: Double] {
        metrics(side: settings.imageSize, colours: try settings.normalisation())
    }

    /// Of the file where one is named, else what this job trained. The file's parameters are stored, for shards to name.
    /// - Throws: `StageError.missingInput` when nothing was trained in this job, `.parameters` for a file that does not fit.
    init(view: any PlanningView, stage: String, weights: String?, imageSize: Int?) throws {
        try self.init(view: view, stage: stage, weights: weights, imageSize: imageSize, size: MILTrainSettings().imageSize) {
            try $0.mil().parameters
        }
    }

    /// The same of another network that reads images as this one does.
    /// - Parameters:
    ///   - size: the method's side of its input.
    ///   - read: its parameters, of the file.
    init(
        view: any PlanningView, stage: String, weights: String?, imageSize: Int?, size: Int,
        read: (WeightsFile) throws -> ParameterSet
    ) throws {
        if let weights {
            let file = try WeightsFile(weights, stage: stage)
            let method = MILTrainSettings()
            self = try WeightsFile.naming(stage) {
                try TrainedModel(
                    parameters: view.store(read(file).encoded()),
                    imageSize: file.outline.imageSize(imageSize, method: size),
                    mean: Self.colour("mean", file.outline.numbers) ?? method.mean,
                    deviation: Self.colour("deviation", file.outline.numbers) ?? method.deviation)
            }
        } else {
            try self.init(view: view, stage: stage)
        }
    }

    private init(parameters: SHA256Digest, imageSize: Int, mean: [Float], deviation: [Float]) {
        (self.parameters, self.imageSize, self.mean, self.deviation) = (parameters, imageSize, mean, deviation)
    }

    private static func colour(_ name: String, _ numbers: [String: Double]) -> [Float]? {
        let found = channels.compactMap { numbers["input.\(name).\($0)"].map(Float.init) }
        return found.count == channels.count ? found : nil
    }

    private init(view: any PlanningView, stage: String) throws {
        let (parameters, metrics) = try view.trainedNetwork(for: stage)
        guard let size = metrics["input.size"] else {
            throw StageError(.missingInput, "stage \(stage): the trained network does not say what images it takes")
        }
        self.parameters = parameters
        imageSize = Int(size)
        mean = Self.colour("mean", metrics) ?? Self.channels.map { _ in 0 }
        deviation = Self.colour("deviation", metrics) ?? Self.channels.map { _ in 1 }
    }

    /// The network ready to run, made once a process. `calibration` is stored content, for int8.
    func scorer(
        precision: InferencePrecision, calibration: SHA256Digest?, context: any MapContext
    ) throws -> MILScorer {
        try StageError.naming {
            let kind = "\(precision)/\(calibration?.hex ?? "")"
            return try context.shared("mil-scorer/\(parameters.hex)/\(kind)/\(mean)/\(deviation)") {
                let set = try ParameterSet(decoding: try context.content(parameters)).sound()
                return try MILScorer(
                    set, configuration: try MILConfiguration(of: set),
                    normalisation: try ColourNormalisation(mean: mean, deviation: deviation),
                    precision: precision.besides, calibration: try context.calibration(calibration))
            }
        }
    }
}

extension MILConfiguration {
    /// The sizes of the network whose parameters these are, read off their shapes. Dropout plays no part in inference.
    /// - Throws: `StageError.parameters` when they are no MIL network's.
    init(of set: ParameterSet) throws {
        guard let teacher = set["attention.classifier.1.weight"]?.shape.first,
            let student = set["student.classifier.1.weight"]?.shape.first
        else {
            throw StageError(.parameters, "the parameters are not a MIL network's: attention or student is missing")
        }
        guard let encoder = EncoderKind(of: set.shapes.below("encoder.")) else {
            throw StageError(.parameters, "the parameters are a MIL network's, but its encoder is none that is known here")
        }
        self.init(encoder: encoder, teacherHidden: teacher, studentHidden: student)
    }
}
