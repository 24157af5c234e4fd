import Foundation
import NeuralNetwork
import Stages

/// `endoked calibrate`: what a network needs to infer in 8 bits.
struct CalibrateCommand: Command {
    static let spec = CommandSpec(
        name: "calibrate",
        summary: "measure a network's layers on a folder of images, for inference with precision int8",
        discussion: """
            Runs the network in fp32 over the images and writes, for each linear layer and convolution, how large the
            numbers are that it reads (the limit that leaves the least square error in 8 bits) and what 8 bits do to its
            sums. Layers stay in bf16 or fp32 where that is more than --minimum-snr allows; so do the first layer and those
            with fewer than \(Calibrator.fewestOutputs) outputs. The file belongs to these weights alone. Stages take it so:
              {stage: 'mil-score', weights: 'WEIGHTS', precision: 'int8', calibration: 'FILE'}      (also cam, toco-cam, sam and segment)
            Weights of a job lie in its results, models/mil-train.safetensors, toco-train and segment-train. Use images like
            those to be read, at the size at which they are read; a hundred are enough.
            """,
        options: [
            .option("network", "NAME", "\(NetworkOptions.names); of mil and segment-anything the encoder"),
            .option("weights", "FILE", "a .safetensors or PyTorch checkpoint"),
            .option("images", "FOLDER", "JPEG and PNG in it and below it"),
            .option("out", "FILE", "the calibration, JSON"),
            .option("size", "N", "side of the network's input; default: as the file says, or the method's (\(NetworkOptions.sides))"),
            .option("limit", "N", "at most so many images, evenly spread; default 128"),
            .option("minimum-snr", "DB", "signal to noise that a layer must keep in 8 bits; default 20"),
            .option("threads", "N", "default: the machine's processors"),
        ])

    private let target: NetworkOptions
    private let out: URL
    private let minimum: Double
    private let threads: Int

    init(_ arguments: ParsedArguments) throws {
        guard arguments.string("weights") != nil else { throw UsageError("--weights is missing") }
        target = try NetworkOptions(arguments)
        out = URL(fileURLWithPath: try arguments.required("out"))
        threads = try arguments.integer("threads", in: 1...1024) ?? ProcessInfo.processInfo.activeProcessorCount
        minimum =
            try arguments.string("minimum-snr").map { text in
                guard let value = Double(text), (0...100).contains(value) else {
                    throw UsageError("--minimum-snr is 0 to 100 dB, not '\(text)'")
                }
                return value
            } ?? Calibrator.minimumSignalToNoise
    }

    func run() throws -> ExitStatus {
        ComputeThreads.set(threads)
        let calibration = try target.failingAsConfiguration {
            try NetworkCalibration.run(
                target.parameters, pictures: try target.pictures(), side: target.side, minimumSignalToNoise: minimum
            ) { done, all in
                if Terminal.isInteractive || done % 32 == 0 || done == all {
                    Terminal.message("\(done) of \(all) passes")
                }
            }
        }
        do {
            try calibration.encoded().write(to: out, options: .atomic)
        } catch {
            throw ConfigurationError("cannot write \(out.path): \(ForeignError.words(error))")
        }
        let rows = calibration.layers.map { layer in
            [
                layer.name, Terminal.number(Double(layer.limit)), Terminal.number(Double(layer.greatest)),
                Terminal.number(layer.signalToNoise, digits: 1), layer.kept ?? "int8",
            ]
        }
        Terminal.print(
            Terminal.table(
                [["layer", "limit", "greatest", "SNR dB", "computes in"]]
                    + rows.map { row in
                        row.dropLast() + [row[4] == "int8" ? "int8" : "bf16 or fp32 (\(row[4]))"]
                    }))
        Terminal.message("\(calibration.quantisedCount) of \(calibration.layers.count) layers in int8: \(out.path)")
        return .complete
    }
}

/// What `calibrate` and `bench int8` ask for alike.
struct NetworkOptions {
    let network: QuantisableNetwork
    /// Of the file; those that nobody trained where none is named.
    let parameters: NetworkWeights
    let areTrained: Bool
    let images: URL
    let side: Int
    let limit: Int

    init(_ arguments: ParsedArguments) throws {
        let name = try arguments.required("network")
        guard
            let network = QuantisableNetwork(
                rawValue: name == Self.mobile ? QuantisableNetwork.segmentAnything.rawValue : name)
        else {
            throw UsageError("--network is one of \(Self.names), not '\(name)': other networks have no int8 path")
        }
        self.network = network
        images = URL(fileURLWithPath: try arguments.required("images"))
        limit = try arguments.integer("limit", in: 1...1_000_000) ?? 128
        let wanted = try arguments.integer("size", in: 32...4096)
        areTrained = arguments.string("weights") != nil
        parameters = try Self.failingAsConfiguration {
            try arguments.string("weights").map { try network.weights(file: URL(fileURLWithPath: $0)) }
                ?? network.untrained(isMobile: name == Self.mobile)
        }
        side = wanted ?? parameters.imageSize ?? network.imageSize
        if let fault = network.fault(ofSide: side) { throw UsageError("--size is \(fault) for \(name)") }
    }

    /// Of the networks with an int8 path.
    static let names: String = QuantisableNetwork.allCases.map(\.rawValue).joined(separator: ", ")

    /// Their methods' sides.
    static let sides: String = {
        let sides: [String] = QuantisableNetwork.allCases.map { network in "\(network.rawValue) \(network.imageSize)" }
        return sides.joined(separator: ", ")
    }()

    /// Segment Anything with MobileSAM's encoder: a name for untrained parameters; a file tells it by itself.
    static let mobile = "mobile-sam"

    func pictures() throws -> PictureFolder { try PictureFolder(images, limit: limit) }

    /// What is wrong with files or weights is for the user to mend.
    func failingAsConfiguration<Result>(_ body: () throws -> Result) throws -> Result {
        try Self.failingAsConfiguration(body)
    }

    private static func failingAsConfiguration<Result>(_ body: () throws -> Result) throws -> Result {
        do {
            return try body()
        } catch let error as StageError {
            throw ConfigurationError(error.message)
        } catch let error as ParameterError {
            throw ConfigurationError(error.message)
        } catch let error as EngineError {
            throw ConfigurationError(error.message)
        }
    }
}
