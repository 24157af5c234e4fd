import Digest
import Models
import NeuralNetwork

/// What `toco-train` leaves for the stages after it, or a file that they are given: parameters, and the network they
/// belong to.
package struct TrainedToCo: ImageStageModel, Hashable {
    var parameters: SHA256Digest
    package var parametersOrNone: SHA256Digest? { parameters }
    var network: ToCoConfiguration
    var imageSize: Int

    /// By which steps find it.
    static let family = "toco"

    /// The sizes as numbers of the first round, by which later stages know the network.
    static func metrics(of settings: ToCoTrainSettings) -> [String: Double] {
        let (network, encoder) = (settings.configuration, settings.configuration.encoder)
        var metrics = [
            "input.size": Double(settings.imageSize), "network.patch": Double(encoder.patch),
            "network.width": Double(encoder.width), "network.depth": Double(encoder.depth),
            "network.heads": Double(encoder.heads), "network.expansion": Double(encoder.expansion),
            "network.grid": Double(encoder.grid), "network.decoderWidth": Double(network.decoderWidth),
            "network.auxiliaryLayer": Double(network.auxiliaryLayer),
            "network.aspp": network.decoder == .aspp ? 1 : 0,
            "network.topPatches": network.pooling == .topPatches ? network.pooledShare : 0,
            "network.lowestWeight": network.lowestWeight,
            "network.localDepth": Double(encoder.localDepth),
            "network.stem": Double(encoder.stem.count), "network.stemKernel": Double(encoder.stemKernel),
        ]
        for (index, channels) in encoder.stem.enumerated() { metrics["network.stem.\(index)"] = Double(channels) }
        return metrics
    }

    /// Of the file where one is named, else what this job trained. The file's parameters are stored, for shards to name.
    /// - Throws: `StageError.missingInput` when nothing was trained in this job, `.parameters` for a file that does not fit.
    init(view: any PlanningView, stage: String, weights: String?, imageSize: Int?) throws {
        if let weights {
            let file = try WeightsFile(weights, stage: stage)
            (parameters, network, self.imageSize) = try WeightsFile.naming(stage) {
                let (set, network) = try file.toCo()
                let size = try file.outline.imageSize(imageSize, method: ToCoTrainSettings().imageSize)
                guard size % network.encoder.patch == 0 else {
                    throw StageError(
                        .invalidSettings, "imageSize is a multiple of the network's patch, \(network.encoder.patch)")
                }
                return (try view.store(set.encoded()), network, size)
            }
            return
        }
        let (parameters, metrics) = try view.trainedNetwork(for: stage)
        guard let size = metrics["input.size"].flatMap(Int.init(exactly:)),
            let network = try ToCoConfiguration(numbers: metrics)
        else {
            throw StageError(.missingInput, "stage \(stage): the trained network does not say what it is")
        }
        (self.parameters, self.network, self.imageSize) = (parameters, network, size)
    }

    /// The compiled network, made once a process.
    func localiser(
        maps: MultiScaleMaps, precision: InferencePrecision, calibration: SHA256Digest?, context: any MapContext
    ) throws -> ToCoLocaliser {
        try StageError.naming {
            try context.shared(
                "toco/\(parameters.hex)/\(network)/\(precision)/\(calibration?.hex ?? "")/\(maps.scales)"
            ) {
                try ToCoLocaliser(
                    ParameterSet(decoding: try context.content(parameters)).sound(), configuration: network,
                    normalisation: .imageNet, maps: maps, precision: precision.besides,
                    calibration: try context.calibration(calibration))
            }
        }
    }
}

extension ToCoConfiguration {
    /// From `TrainedToCo.metrics`; nil where they are not there.
    /// - Throws: `StageError.parameters` where some of them are, and others not.
    init?(numbers: [String: Double]) throws {
        guard numbers["network.width"] != nil else { return nil }
        /// `ofEarlier`: what networks have that were written down before there was a choice.
        func number(_ name: String, ofEarlier: Double? = nil) throws -> Int {
            guard let number = (numbers["network." + name] ?? ofEarlier).flatMap(Int.init(exactly:)) else {
                throw StageError(.parameters, "what was written down with the parameters lacks network.\(name)")
            }
            return number
        }
        self.init(
            encoder: ViTConfiguration(
                patch: try number("patch"), width: try number("width"), depth: try number("depth"),
                heads: try number("heads"), expansion: try number("expansion"), grid: try number("grid"),
                stem: try (0..<number("stem")).map { try number("stem.\($0)") },
                stemKernel: try number("stemKernel", ofEarlier: 3), localDepth: try number("localDepth", ofEarlier: 0)),
            decoder: try number("aspp") == 1 ? .aspp : .largeFOV, decoderWidth: try number("decoderWidth"),
            auxiliaryLayer: try number("auxiliaryLayer"), hasProjections: false)
        if let share = numbers["network.topPatches"], share > 0 {
            pooling = .topPatches
            pooledShare = share
            lowestWeight = numbers["network.lowestWeight"] ?? 0
        }
    }
}
