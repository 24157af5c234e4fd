import Evaluation
import Foundation
import Imaging
import Models
import NeuralNetwork

extension QuantisationEffect {
    /// ToCo's scores, and its maps over the scales of `toco-cam`, of pictures in which fp32 finds something: others have
    /// maps of next to nothing, stretched. Milliseconds are those of a score: one pass.
    static func maps(
        _ weights: NetworkWeights, _ calibration: Calibration, _ pictures: PictureFolder, _ truth: URL?, _ side: Int
    ) throws -> [Answers] {
        let settings = ToCoCAMSettings()
        let localisers = try precisions.map {
            try ToCoLocaliser(
                weights.parameters, configuration: weights.toCoConfiguration,
                normalisation: QuantisableNetwork.toCo.normalisation, maps: MultiScaleMaps(scales: settings.scales),
                precision: $0.besides, calibration: $0 == .int8 ? calibration : nil)
        }
        var seen = ScoresAndMaps()
        var auxiliary = precisions.map { _ in [Double]() }
        var mapped = 0
        for (index, name) in pictures.names.enumerated() {
            let image = try pictures.image(index)
            let square = try QuantisableNetwork.toCo.input(image, side: side).resized
            let drawn = try truthMask(name, truth)
            seen.begin(isPositive: drawn != nil)
            var reference: [Float]?
            for (mode, localiser) in localisers.enumerated() {
                func run() throws -> Float { try localiser.probability(rgb: square.pixels, height: side, width: side) }
                if index == 0 { _ = try run() }
                let (probability, elapsed) = try timed(run)
                seen.add(score: Double(probability), milliseconds: elapsed, mode)
                guard seen.referenceScore >= 0.5 else { continue }
                let found = try localiser.localise(rgb: square.pixels, height: side, width: side)
                let map = try FloatImage(width: side, height: side, values: found.map)
                    .interpolated(width: image.width, height: image.height, mode: .bilinear(alignCorners: false))
                let box = BoxChoice(of: Mask(map, above: settings.foreground), filter: settings.filter).box
                seen.add(map: found.map, box: box, wanted: drawn?.boundingBox, mode)
                if let reference {
                    auxiliary[mode].append(correlation(found.auxiliary, reference))
                } else {
                    reference = found.auxiliary
                    mapped += 1
                }
            }
        }
        return try zip(seen.answers(), auxiliary).map { answers, correlations in
            var answers = answers
            (answers.auxiliaryCorrelation, answers.leastAuxiliaryCorrelation) = (mean(correlations), correlations.min())
            answers.mapped = mapped
            return answers
        }
    }

    /// Segment Anything's embeddings, and the masks of one box: that of the picture's true mask, or where there is none
    /// the middle half of the picture. Milliseconds are those of an embedding.
    static func embeddings(
        _ parameters: ParameterSet, _ calibration: Calibration, _ pictures: PictureFolder, _ truth: URL?
    ) throws -> [Answers] {
        let networks = try precisions.map {
            try SegmentAnything(
                parameters, precision: $0.besides, calibration: $0 == .int8 ? calibration : nil)
        }
        var times = [[Double]](repeating: [], count: 3)
        var (changes, dice, truthDice) = (times, times, times)
        for (index, name) in pictures.names.enumerated() {
            let image = try pictures.image(index)
            let (resized, _) = try QuantisableNetwork.segmentAnything.input(image, side: networks[0].inputSide)
            let drawn = try truthMask(name, truth)
            let prompt = SegmentationPrompt(box: promptBox(drawn, width: Float(image.width), height: Float(image.height)))
            var (exact, before): ([Float], [Bool]) = ([], [])
            for (mode, network) in networks.enumerated() {
                func run() throws -> ImageEmbedding {
                    try network.embed(
                        rgb: resized.pixels, width: resized.width, height: resized.height, of: (image.width, image.height))
                }
                if index == 0 { _ = try run() }
                let (embedding, elapsed) = try timed(run)
                times[mode].append(elapsed)
                let bits = try network.masks(embedding, prompt)[0].mask.map { $0 > 0 }
                if mode > 0 {
                    changes[mode].append(relativeDistance(embedding.values, exact))
                    dice[mode].append(BinaryMaskScore(prediction: bits, truth: before).dice)
                } else {
                    exact = embedding.values
                }
                if let drawn { truthDice[mode].append(BinaryMaskScore(prediction: bits, truth: drawn.bits).dice) }
                before = bits
            }
        }
        return (0..<3).map { mode in
            var answers = Answers(milliseconds: median(times[mode]))
            answers.embeddingChange = mean(changes[mode])
            (answers.maskDice, answers.leastMaskDice) = (mean(dice[mode]), dice[mode].min())
            answers.maskTruthDice = mean(truthDice[mode])
            return answers
        }
    }

    private static func promptBox(_ drawn: Mask?, width: Float, height: Float) -> SegmentationPrompt.Box {
        guard let box = drawn?.boundingBox else {
            return .init(left: width / 4, top: height / 4, right: width * 3 / 4, bottom: height * 3 / 4)
        }
        return .init(left: Float(box.x0), top: Float(box.y0), right: Float(box.x1), bottom: Float(box.y1))
    }

    /// |a − b| / |b|.
    private static func relativeDistance(_ a: [Float], _ b: [Float]) -> Double {
        var (difference, size) = (0.0, 0.0)
        for (x, y) in zip(a, b) {
            difference += (Double(x) - Double(y)) * (Double(x) - Double(y))
            size += Double(y) * Double(y)
        }
        return size > 0 ? (difference / size).squareRoot() : 0
    }
}
