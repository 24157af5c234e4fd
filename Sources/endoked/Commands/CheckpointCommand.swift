import Foundation
import Models
import NeuralNetwork

/// `endoked checkpoint`: what is in a file of parameters, and does it fit the network that it is of?
struct CheckpointCommand: Command {
    static let spec = CommandSpec(
        name: "checkpoint", summary: "look into a file of parameters: which network, does every tensor fit",
        discussion: """
            Reads .safetensors, .pth and .pt (never executing anything in them), says what was widened, renamed or left
            out (float16 and bfloat16 numbers, what training scripts put before names, optimiser states, other objects),
            tells which of the known networks the tensors are of, and loads them into it. Known: ResNet-18 and -50, ViT and
            DeiT, ToCo, PVTv2, Segment Anything, MobileSAM, this program's own MIL networks, and for segmentation
            \(Self.segmentation).
            Beside a moving average of weights (`model_ema` and the like) the weights themselves are taken; --root takes
            others. Exit code 0: it loads; 1: it does not, and every tensor that does not fit, or holds NaN or infinity, is
            named; 5: the file cannot be read, or holds several sets of weights that would do.
            """,
        arguments: [.init(name: "FILE", help: "the checkpoint")],
        options: [
            .option("root", "KEYS", "where the model's tensors lie in a nested file, as in `ema.state_dict`; default: found"),
            .option("out", "FILE", "write the network's tensors alone, as .safetensors in fp32"),
            .flag("tensors", "list every tensor with its shape"),
        ])

    /// The networks that the help names for segmentation.
    private static let segmentation: String = SegmentationFamilies.all.map { $0.title }.joined(separator: ", ")

    private let file: URL
    private let options: Checkpoint.Options
    private let listsTensors: Bool
    private let out: URL?

    init(_ arguments: ParsedArguments) throws {
        file = URL(fileURLWithPath: arguments.arguments[0])
        options = Checkpoint.Options(root: arguments.string("root"))
        listsTensors = arguments.has("tensors")
        out = arguments.string("out").map { URL(fileURLWithPath: $0) }
    }

    func run() throws -> ExitStatus {
        let (known, loaded): (KnownNetwork?, LoadedCheckpoint)
        do { (known, loaded) = try NetworkFile.load(file, options: options, checked: false) } catch let error as ParameterError {
            throw ConfigurationError(error.message)
        }
        let set = loaded.tensors
        Terminal.print("\(loaded.format.rawValue): \(set.entries.count) tensors, \(set.totalCount) numbers")
        Terminal.print("  SHA-256 of the numbers and their names, by which the ledger knows parameters: \(set.digest)")
        for (name, value) in loaded.metadata.sorted(by: { $0.key < $1.key }) { Terminal.print("  says \(name) = \(value)") }
        for note in loaded.notes { Terminal.print("  \(note)") }
        for line in loaded.leftOut { Terminal.print("  left out: \(line)") }
        if listsTensors { for entry in set.entries { Terminal.print("  \(entry.name) \(entry.shape)") } }
        guard let network = known else {
            Terminal.print("of no network that is known here; see --help for those that are")
            return .failed
        }
        do {
            try NumberFault.requireNone(loaded.faults)
            try network.load(set)
            Terminal.print("\(network.name): it loads")
            if let out {
                try OutputFolder.write(Checkpoint.encoded(set, metadata: loaded.metadata), to: out)
                Terminal.print("written to \(out.path)")
            }
            return .complete
        } catch  where error is ParameterError || error is EngineError {
            Terminal.print("\(network.name): it does not load: \(error)")
            return .failed
        }
    }
}
