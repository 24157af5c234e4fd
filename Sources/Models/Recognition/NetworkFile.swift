import Foundation
import NeuralNetwork

/// A file of a network's parameters: the network is found in it, whatever wraps it, and nothing else is taken.
public enum NetworkFile {
    /// The network's tensors under its own names; all of the file's where no network is known in it.
    ///
    /// Throws as `Checkpoint.load` does, and `ParameterError.ambiguous` where several sets of weights would do.
    /// - Parameter checked: whether `ParameterError.notFinite` is thrown, naming tensors, where numbers are none.
    public static func load(
        _ file: URL, options: Checkpoint.Options = .init(), checked: Bool = true
    ) throws -> (network: KnownNetwork?, checkpoint: LoadedCheckpoint) {
        let loaded = try Checkpoint.load(file, options: options)
        return try naming(file) {
            guard let place = try NetworkPlace(in: loaded.tensors.shapes) else {
                if checked { try NumberFault.requireNone(loaded.faults) }
                return (nil, loaded)
            }
            let taken = try loaded.below(place.prefix, without: place.copies, notes: place.notes)
            if checked { try NumberFault.requireNone(taken.faults) }
            return (place.network, taken)
        }
    }

    /// The same without the numbers, each of which is looked at.
    ///
    /// Throws as `load` does.
    public static func outline(of file: URL) throws -> (network: KnownNetwork?, outline: CheckpointOutline) {
        let outline = try Checkpoint.outline(of: file, looksAtNumbers: true)
        return try naming(file) {
            guard let place = try NetworkPlace(in: outline.tensors) else { return (nil, outline) }
            let taken = outline.below(place.prefix, without: place.copies, notes: place.notes)
            try NumberFault.requireNone(taken.faults)
            return (place.network, taken)
        }
    }

    private static func naming<Result>(_ file: URL, _ body: () throws -> Result) throws -> Result {
        do { return try body() } catch let error as ParameterError {
            throw ParameterError(error.code, "\(file.path): \(error.message)")
        }
    }
}
