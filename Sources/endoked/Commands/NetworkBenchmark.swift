import Foundation
import Imaging
import Models
import NeuralNetwork

/// The networks whose speed is compared with others', each at the size at which it is used.
enum NetworkBenchmark: RawRepresentable, CaseIterable {
    case efficientNet, efficientNetFile
    case resNet, toCo, toCoMultiScale
    case segmentation(SegmentationName)
    case mobileSAM, sam
    case trainingResNet, trainingViT
    case trainingSegmentation(SegmentationName)

    static var allCases: [NetworkBenchmark] {
        let names = SegmentationName.allCases
        var all: [NetworkBenchmark] = [.efficientNet, .efficientNetFile, .resNet, .toCo, .toCoMultiScale]
        for name in names { all.append(.segmentation(name)) }
        all += [.mobileSAM, .sam, .trainingResNet, .trainingViT]
        for name in names { all.append(.trainingSegmentation(name)) }
        return all
    }

    init?(rawValue: String) {
        guard let found = Self.allCases.first(where: { $0.rawValue == rawValue }) else { return nil }
        self = found
    }

    var rawValue: String {
        switch self {
        case .efficientNet: "efficientnet-lite0-224"
        case .efficientNetFile: "efficientnet-lite0-224-jpeg"
        case .resNet: "resnet18-512"
        case .toCo: "toco-448"
        case .toCoMultiScale: "toco-448-multiscale"
        case .segmentation(let name): "\(name)-\(name.family.recipe.imageSize)"
        case .mobileSAM: "mobilesam-1024"
        case .sam: "sam-vitb-1024"
        case .trainingResNet: "train-resnet18-512x8"
        case .trainingViT: "train-vitb-224x2"
        case .trainingSegmentation(let name): "train-\(name)-\(name.family.recipe.imageSize)x2"
        }
    }

    /// One run, ready: an image through the network, or a training step.
    func prepared(_ precision: Precision) throws -> () throws -> Void {
        switch self {
        case .efficientNet: try Self.efficientNet(precision)
        case .efficientNetFile: try Self.efficientNetFile(precision)
        case .resNet: try Self.resNet(precision)
        case .toCo, .toCoMultiScale: try Self.toCo(precision, multiScale: self == .toCoMultiScale)
        case .segmentation(let name): try Self.segmentation(name, precision)
        case .mobileSAM: try Self.segmentAnything(.mobile, precision)
        case .sam: try Self.segmentAnything(.vitB, precision)
        case .trainingResNet: try Self.trainingResNet(precision)
        case .trainingViT: try Self.trainingViT(precision)
        case .trainingSegmentation(let name): try Self.trainingSegmentation(name, precision)
        }
    }

    private static func pixels(_ side: Int) -> [UInt8] {
        (0..<side * side * 3).map { UInt8(truncatingIfNeeded: $0 &* 7919 >> 5) }
    }

    private static func colours() throws -> ColourNormalisation {
        try ColourNormalisation(mean: [0.5, 0.5, 0.5], deviation: [0.25, 0.25, 0.25])
    }

    private static func extractor(_ precision: Precision) throws -> FeatureExtractor {
        let kind = EncoderKind(EfficientNetLiteSize.efficientNetLite0)
        return try FeatureExtractor(
            kind.make(seed: 1).parameters(), kind: kind, normalisation: EfficientNetLiteSize.publishedColours, precision: precision)
    }

    private static func efficientNet(_ precision: Precision) throws -> () throws -> Void {
        let (encoder, rgb) = (try extractor(precision), pixels(224))
        return { _ = try encoder.features(rgb: rgb, count: 1, height: 224, width: 224) }
    }

    /// As the stage `features` reads an image, from the file that `BENCH_JPEG` names.
    private static func efficientNetFile(_ precision: Precision) throws -> () throws -> Void {
        guard let path = ProcessInfo.processInfo.environment["BENCH_JPEG"] else {
            throw UsageError("name a JPEG file in BENCH_JPEG, as ops/bench/networks/run does")
        }
        let (encoder, file) = (try extractor(precision), URL(fileURLWithPath: path))
        return {
            let square = try ImageDecoder.decode(contentsOf: file).rgb().resized(width: 224, height: 224, filter: .bilinear)
            _ = try encoder.features(rgb: square.pixels, count: 1, height: 224, width: 224)
        }
    }

    private static func resNet(_ precision: Precision) throws -> () throws -> Void {
        let network = try ResNet(.resNet18, seed: 1)
        let (rgb, colours) = (pixels(512), try colours())
        return {
            let image = try Tensor.images(rgb: rgb, count: 1, height: 512, width: 512, normalisation: colours)
            _ = try network.features(image, ForwardPass(.evaluation, precision: precision))
        }
    }

    private static func toCoNetwork() throws -> sending ToCoNetwork {
        var configuration = ToCoConfiguration()
        configuration.hasProjections = false
        return try ToCoNetwork(configuration, seed: 1)
    }

    private static func toCo(_ precision: Precision, multiScale: Bool) throws -> () throws -> Void {
        let localiser = try ToCoLocaliser(
            toCoNetwork(), normalisation: colours(), maps: .training, precision: precision)
        let rgb = pixels(448)
        return {
            if multiScale {
                _ = try localiser.localise(rgb: rgb, height: 448, width: 448)
            } else {
                _ = try localiser.probability(rgb: rgb, height: 448, width: 448)
            }
        }
    }

    private static func segmentation(_ name: SegmentationName, _ precision: Precision) throws -> () throws -> Void {
        let (kind, side) = (name.usualKind, name.family.recipe.imageSize)
        let predictor = try SegmentationPredictor(kind.network(seed: 1).parameters(), kind, precision: precision)
        let images = try GoldenFormula.images("any", count: 1, height: side, width: side)
        return { _ = try predictor(images, height: side, width: side) }
    }

    private static func segmentAnything(
        _ kind: SegmentAnythingKind, _ precision: Precision
    ) throws -> () throws -> Void {
        let network = try SegmentAnythingNetwork(kind)
        network.forEachParameter("") { name, parameter in
            if parameter.shape.count > 1 { Initialisation.uniformFanIn(parameter, seed: 1, name: name) }
        }
        let encoder = try SegmentAnything(network, kind: kind, precision: precision)
        let side = encoder.inputSide
        let rgb = pixels(side)
        return { _ = try encoder.embed(rgb: rgb, width: side, height: side, of: (side, side)) }
    }

    /// The mean square of two logits for a loss.
    private static func trainingResNet(_ precision: Precision) throws -> () throws -> Void {
        let network = try ResNet(.resNet18, classes: 2, seed: 1)
        let optimiser = Optimiser(.adamW(rate: 1e-5), parameters: network.learnt)
        let images = try GoldenFormula.images("any", count: 8, height: 512, width: 512)
        return {
            let tape = Tape()
            let pass = ForwardPass(.training, recordingOn: tape, precision: precision)
            guard let logits = try network.activations(images, pass).logits else { return }
            try tape.backward(from: [(logits, logits.scaled(by: 1 / Float(logits.count)))])
            try optimiser.step()
        }
    }

    private static func trainingViT(_ precision: Precision) throws -> () throws -> Void {
        var settings = ToCoTrainingSettings()
        settings.precision = precision
        settings.mapPrecision = precision
        settings.segmentationStart = 0
        settings.weights.patchContrast = 0
        let trainer = try ToCoTrainer(toCoNetwork(), settings, seed: 1)
        let images = try GoldenFormula.images("any", count: 2, height: 224, width: 224)
        // Images without the finding need no maps: the step itself.
        return { _ = try trainer.step(images: images, labels: [0, 0]) }
    }

    private static func trainingSegmentation(
        _ name: SegmentationName, _ precision: Precision
    ) throws -> () throws -> Void {
        let recipe = name.family.recipe
        let (side, settings) = (recipe.imageSize, SegmentationTrainingSettings(scales: [1], precision: precision))
        let network = try name.usualKind.network(dropPath: recipe.dropPath, seed: 1)
        let trainer = try SegmentationTrainer(network, settings, seed: 1)
        let images = try GoldenFormula.images("any", count: 2, height: side, width: side)
        let masks = try Tensor(
            GoldenFormula.uniform("mask", count: 2 * side * side).map { $0 > 0.3 ? 1 : 0 }, shape: [2, side, side, 1])
        return { _ = try trainer.step(images: images, masks: masks) }
    }
}
