import Foundation
import Models
import NeuralNetwork

/// `endoked checkpoint`: what is in a file of parameters, and does it fit the network that it is of?
struct CheckpointCommand: Command {
    static let spec = CommandSpec(
        name: "checkpoint", summary: "look into a file of parameters: which network, does every tensor fit",
        discussion: """
            Reads .safetensors, .pth and .pt (never executing anything in them), says what was widened, renamed or left
            out (float16 and bfloat16 numbers, `module.` prefixes, optimiser states), tells which of the known networks
            the tensors are of, and loads them into it. Known: ResNet-18 and -50, ViT and DeiT, ToCo, PVTv2, Polyp-PVT,
            Segment Anything, MobileSAM, and this program's own MIL networks. Exit code 0: it loads; 1: it does not, and
            every tensor that does not fit is named; 5: the file cannot be read.
            """,
        arguments: [.init(name: "FILE", help: "the checkpoint")],
        options: [
            .option("root", "KEYS", "where the model's tensors lie in a nested file, as in `ema.state_dict`; default: found"),
            .flag("tensors", "list every tensor with its shape"),
        ])

    private let file: URL
    private let options: Checkpoint.Options
    private let listsTensors: Bool

    init(_ arguments: ParsedArguments) throws {
        file = URL(fileURLWithPath: arguments.arguments[0])
        options = Checkpoint.Options(root: arguments.string("root"))
        listsTensors = arguments.has("tensors")
    }

    func run() throws -> ExitStatus {
        let loaded: LoadedCheckpoint
        do { loaded = try Checkpoint.load(file, options: options) } catch let error as ParameterError {
            throw ConfigurationError(error.message)
        }
        let set = loaded.tensors
        Terminal.print("\(loaded.format.rawValue): \(set.entries.count) tensors, \(set.totalCount) numbers")
        Terminal.print("  SHA-256 of the numbers and their names, by which the ledger knows parameters: \(set.digest)")
        for (name, value) in loaded.metadata.sorted(by: { $0.key < $1.key }) { Terminal.print("  says \(name) = \(value)") }
        for note in loaded.notes { Terminal.print("  \(note)") }
        for line in loaded.leftOut { Terminal.print("  left out: \(line)") }
        if listsTensors { for entry in set.entries { Terminal.print("  \(entry.name) \(entry.shape)") } }
        guard let network = KnownNetwork(of: set.shapes) else {
            Terminal.print("of no network that is known here; see --help for those that are")
            return .failed
        }
        do {
            try network.load(set)
            Terminal.print("\(network.name): it loads")
            return .complete
        } catch where error is ParameterError || error is EngineError {
            Terminal.print("\(network.name): it does not load: \(error)")
            return .failed
        }
    }
}
