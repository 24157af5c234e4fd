import Evaluation
import Foundation
import Imaging
import Models
import NeuralNetwork

/// What 8 bits do to a network's answers on pictures, and to its speed, beside bf16 and fp32 in the same run.
public struct QuantisationEffect: Sendable, Codable {
    /// How one precision's answers compare.
    public struct Answers: Sendable, Codable {
        /// Milliseconds a picture on one thread, the median over pictures: of the scores, or of the mask.
        public var milliseconds = 0.0
        /// |difference| of the student's probability to fp32's, mean and greatest.
        public var scoreChange: Double?
        public var greatestScoreChange: Double?
        /// Area under the ROC curve of the student, where truth has both kinds.
        public var area: Double?
        /// Correlation of class activation maps with fp32's, mean and least, and the mean overlap of their boxes.
        public var mapCorrelation: Double?
        public var leastMapCorrelation: Double?
        public var boxOverlap: Double?
        /// Of ToCo: the pictures whose maps are compared, those in which fp32 finds something.
        public var mapped: Int?
        /// Correlation of ToCo's auxiliary maps with fp32's, mean and least.
        public var auxiliaryCorrelation: Double?
        public var leastAuxiliaryCorrelation: Double?
        /// Length of the embedding's difference to fp32's, in lengths of fp32's, the mean.
        public var embeddingChange: Double?
        /// Mean overlap of boxes with those of the truth.
        public var boxTruthOverlap: Double?
        /// Mean Dice of masks with bf16's (fp32's for bf16 itself) and with the truth.
        public var maskDice: Double?
        /// The least of these.
        public var leastMaskDice: Double?
        public var maskTruthDice: Double?
    }

    public var network: String
    public var pictures: Int
    public var side: Int
    public var layers: Int
    public var quantisedLayers: Int
    public var fp32 = Answers()
    public var bf16 = Answers()
    public var int8 = Answers()
}

extension QuantisationEffect {
    /// - Parameter truth: a folder of masks by the pictures' own paths, as PNG; a picture without one shows nothing.
    public static func measure(
        _ weights: NetworkWeights, calibration: Calibration, pictures: PictureFolder, truth: URL?, side: Int
    ) throws -> QuantisationEffect {
        let parameters = weights.parameters
        var effect = QuantisationEffect(
            network: weights.network.rawValue, pictures: pictures.names.count, side: side,
            layers: calibration.layers.count,
            quantisedLayers: calibration.quantisedCount)
        let answers =
            switch weights.network {
            case .mil: try scores(parameters, calibration, pictures, truth, side)
            case .toCo: try maps(weights, calibration, pictures, truth, side)
            case .segmentation: try masks(weights, calibration, pictures, truth, side)
            case .segmentAnything: try embeddings(parameters, calibration, pictures, truth)
            }
        (effect.fp32, effect.bf16, effect.int8) = (answers[0], answers[1], answers[2])
        return effect
    }

    /// fp32, bf16, int8; bf16 stands for fp32 where the processor has none.
    static let precisions: [InferencePrecision] = [.fp32, EngineSetup.hasBFloat16 ? .bf16 : .fp32, .int8]

    static func truthMask(_ name: String, _ truth: URL?) throws -> Mask? {
        guard let truth else { return nil }
        let file = truth.appendingPathComponent((name as NSString).deletingPathExtension + ".png")
        guard FileManager.default.fileExists(atPath: file.path) else { return nil }
        let mask = Mask(try ImageDecoder.decode(contentsOf: file))
        return mask.area > 0 ? mask : nil
    }

    private static func scores(
        _ parameters: ParameterSet, _ calibration: Calibration, _ pictures: PictureFolder, _ truth: URL?, _ side: Int
    ) throws -> [Answers] {
        let scorers = try precisions.map {
            try MILScorer(
                parameters, configuration: MILConfiguration(of: parameters),
                normalisation: QuantisableNetwork.mil.normalisation,
                precision: $0.besides, calibration: $0 == .int8 ? calibration : nil)
        }
        let settings = CAMSettings()
        var seen = ScoresAndMaps()
        for (index, name) in pictures.names.enumerated() {
            let image = try pictures.image(index)
            let square = try QuantisableNetwork.mil.input(image, side: side).resized
            let drawn = try truthMask(name, truth)
            seen.begin(isPositive: drawn != nil)
            for (mode, scorer) in scorers.enumerated() {
                func run() throws -> MILScores {
                    try scorer.score(rgb: square.pixels, count: 1, height: side, width: side)
                }
                if index == 0 { _ = try run() }
                let (scores, elapsed) = try timed(run)
                seen.add(score: Double(scores.student[0]), milliseconds: elapsed, mode)
                guard let map = try HeatMap(scorer: scorer, settings: settings, side: side).map(of: image) else {
                    throw EngineError(.notFinite, "\(name): its map holds no numbers")
                }
                let box = BoxChoice(of: Mask(map, above: settings.foreground), filter: settings.filter).box
                seen.add(map: map.values, box: box, wanted: drawn?.boundingBox, mode)
            }
        }
        return try seen.answers()
    }

    private static func masks(
        _ weights: NetworkWeights, _ calibration: Calibration, _ pictures: PictureFolder, _ truth: URL?, _ side: Int
    ) throws -> [Answers] {
        let kind = try SegmentationKind(of: weights.parameters)
        let predictors = try precisions.map {
            try SegmentationPredictor(
                weights.parameters, kind, precision: $0.besides, calibration: $0 == .int8 ? calibration : nil)
        }
        var times = [[Double]](repeating: [], count: 3)
        var (dice, truthDice) = ([[Double]](repeating: [], count: 3), [[Double]](repeating: [], count: 3))
        let foreground = SegmentSettings().foreground
        for (index, name) in pictures.names.enumerated() {
            let image = try pictures.image(index)
            let tensor = try weights.network.input(image, side: side).tensor
            let drawn = try truthMask(name, truth)
            var before: [Bool] = []
            for (mode, predictor) in predictors.enumerated() {
                func run() throws -> Tensor { try predictor(tensor, height: image.height, width: image.width) }
                if index == 0 { _ = try run() }
                let (map, elapsed) = try timed(run)
                times[mode].append(elapsed)
                let bits = map.withValues { $0.map { $0 >= foreground } }
                if mode > 0 { dice[mode].append(BinaryMaskScore(prediction: bits, truth: before).dice) }
                if let drawn { truthDice[mode].append(BinaryMaskScore(prediction: bits, truth: drawn.bits).dice) }
                before = bits
            }
        }
        return (0..<3).map { mode in
            var answers = Answers(milliseconds: median(times[mode]))
            answers.maskDice = mean(dice[mode])
            answers.leastMaskDice = dice[mode].min()
            answers.maskTruthDice = mean(truthDice[mode])
            return answers
        }
    }

    static func timed<Result>(_ body: () throws -> Result) rethrows -> (Result, Double) {
        let start = ContinuousClock.now
        let result = try body()
        let elapsed = (ContinuousClock.now - start).components
        return (result, Double(elapsed.seconds) * 1000 + Double(elapsed.attoseconds) * 1e-15)
    }

    static func mean(_ values: [Double]) -> Double? {
        values.isEmpty ? nil : values.reduce(0, +) / Double(values.count)
    }

    static func median(_ values: [Double]) -> Double { values.sorted()[values.count / 2] }

    /// Pearson's; 1 of two maps that are constant, 0 where only one is.
    static func correlation(_ a: [Float], _ b: [Float]) -> Double {
        let (meanA, meanB) = (
            a.reduce(0.0) { $0 + Double($1) } / Double(a.count), b.reduce(0.0) { $0 + Double($1) } / Double(b.count)
        )
        var (product, squareA, squareB) = (0.0, 0.0, 0.0)
        for (x, y) in zip(a, b) {
            product += (Double(x) - meanA) * (Double(y) - meanB)
            squareA += (Double(x) - meanA) * (Double(x) - meanA)
            squareB += (Double(y) - meanB) * (Double(y) - meanB)
        }
        if squareA == 0 || squareB == 0 { return squareA == squareB ? 1 : 0 }
        return product / (squareA * squareB).squareRoot()
    }
}
