import Foundation
import NeuralNetwork
import Stages

/// `endoked bench int8`: what 8 bits do to scores, maps and masks, and how much faster they are.
struct BenchInt8Command: Command {
    static let spec = CommandSpec(
        name: "bench int8", summary: "effect and speed of precision int8 beside bf16 and fp32, on images",
        discussion: """
            Every image is scored (mil, toco: and mapped), embedded and masked (segment-anything) or segmented (the others) in
            the three precisions, turn and turn about, on one thread. Without --weights the network has the method's size and
            random weights, and without --calibration it is calibrated first on the same images: then the times are of use,
            the effects are not, or hardly.
            """,
        options: [
            .option("network", "NAME", "\(NetworkOptions.names), or mobile-sam where no weights are given"),
            .option("weights", "FILE", "a .safetensors or PyTorch checkpoint; default: random"),
            .option("calibration", "FILE", "of `endoked calibrate`"),
            .option("images", "FOLDER", "JPEG and PNG in it and below it"),
            .option("truth", "FOLDER", "masks by the images' own paths, as PNG; an image without one shows no polyp"),
            .option("size", "N", "side of the network's input; default: the method's"),
            .option("limit", "N", "at most so many images; default 128"),
            .flag("json", "one line of JSON"),
        ])

    private let target: NetworkOptions
    private let calibration: String?
    private let truth: URL?
    private let asJSON: Bool

    init(_ arguments: ParsedArguments) throws {
        target = try NetworkOptions(arguments)
        calibration = arguments.string("calibration")
        truth = arguments.string("truth").map { URL(fileURLWithPath: $0) }
        asJSON = arguments.has("json")
    }

    func run() throws -> ExitStatus {
        ComputeThreads.set(1)
        let effect = try target.failingAsConfiguration {
            let pictures = try target.pictures()
            return try QuantisationEffect.measure(
                target.parameters, calibration: try found(pictures), pictures: pictures, truth: truth, side: target.side)
        }
        if asJSON {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
            Terminal.print(String(decoding: try encoder.encode(effect), as: UTF8.self))
            return .complete
        }
        Terminal.print(
            "\(effect.network)\(target.areTrained ? "" : " with random weights"), \(effect.pictures) images at "
                + "\(effect.side), \(effect.quantisedLayers) of \(effect.layers) layers in int8")
        let columns = [effect.fp32, effect.bf16, effect.int8]
        func row(_ title: String, _ value: (QuantisationEffect.Answers) -> Double?, digits: Int = 4) -> [[String]] {
            let cells = columns.map { value($0).map { Terminal.number($0, digits: digits) } ?? "" }
            return cells.allSatisfy(\.isEmpty) ? [] : [[title] + cells]
        }
        Terminal.print(
            Terminal.table(
                [["", "fp32", "bf16", "int8"]] + row("milliseconds an image", { $0.milliseconds }, digits: 2)
                    + row("speed beside bf16", { effect.bf16.milliseconds / $0.milliseconds }, digits: 2)
                    + row("AUC of the score", { $0.area }) + row("score beside fp32, mean change", { $0.scoreChange })
                    + row("score beside fp32, greatest change", { $0.greatestScoreChange })
                    + row("pictures mapped", { $0.mapped.map(Double.init) }, digits: 0)
                    + row("map beside fp32, correlation", { $0.mapCorrelation })
                    + row("map beside fp32, least correlation", { $0.leastMapCorrelation })
                    + row("auxiliary map, correlation", { $0.auxiliaryCorrelation })
                    + row("auxiliary map, least correlation", { $0.leastAuxiliaryCorrelation })
                    + row("embedding beside fp32, change", { $0.embeddingChange })
                    + row("box beside fp32, IoU", { $0.boxOverlap }) + row("box beside truth, IoU", { $0.boxTruthOverlap })
                    + row("mask beside the column before, Dice", { $0.maskDice })
                    + row("mask beside the column before, least", { $0.leastMaskDice })
                    + row("mask beside truth, Dice", { $0.maskTruthDice })))
        return .complete
    }

    private func found(_ pictures: PictureFolder) throws -> Calibration {
        guard let calibration else {
            return try NetworkCalibration.run(target.parameters, pictures: pictures, side: target.side)
        }
        guard let data = FileManager.default.contents(atPath: calibration) else {
            throw ConfigurationError("cannot read \(calibration)")
        }
        return try Calibration(decoding: data)
    }
}
