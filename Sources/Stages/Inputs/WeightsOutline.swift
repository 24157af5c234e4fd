import Models
import NeuralNetwork

/// What is known of a file of parameters without their numbers.
struct WeightsOutline {
    let path: String
    let network: KnownNetwork
    /// What a job wrote down with the parameters: the numbers that a training stage leaves with its first round.
    let numbers: [String: Double]

    /// Throws `StageError.parameters`, with the path, for tensors of no known network, and for what was written down with
    /// them and is no number.
    init(_ path: String, _ outline: CheckpointOutline, of network: KnownNetwork?) throws {
        guard let network else {
            throw StageError(
                .parameters,
                "\(path): its tensors are of no network that is known here; `endoked checkpoint \(path) --tensors` lists them"
            )
        }
        (self.path, self.network) = (path, network)
        numbers = outline.metadata.compactMapValues(Double.init)
        if let name = numbers.filter({ !$0.value.isFinite }).keys.min() {
            throw StageError(.parameters, "\(path): what it says of itself as \(name) is no number that can be used")
        }
    }

    /// Throws `StageError.parameters` for a file of another network.
    func require(_ kind: WeightsKind) throws {
        guard kind.accepts(network) else { throw refusal(kind) }
    }

    func refusal(_ kind: WeightsKind) -> StageError {
        let hint =
            if case .encoder = network { ": an encoder alone can start mil-train (`initialCheckpoint`)" } else { "" }
        return StageError(.parameters, "\(path) is of \(network.name), not of \(kind.name)\(hint)")
    }

    /// Side of the network's input in pixels, where the file tells it.
    var imageSize: Int? { numbers["input.size"].flatMap(Int.init(exactly:)) }

    /// Side of the network's input: as asked for, or as the file says.
    /// - Parameter method: the side that the method's own recipe has, for the message.
    func imageSize(_ wanted: Int?, method: Int) throws -> Int {
        if let size = wanted ?? imageSize { return size }
        throw StageError(
            .invalidSettings,
            "\(path) does not say at which size its network reads images: give `imageSize` (the method's is \(method))")
    }
}
