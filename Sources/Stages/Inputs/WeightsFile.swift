import Digest
import Foundation
import Models
import NeuralNetwork

/// Parameters that somebody names: an official checkpoint, or what a job left in its `models/`, which also tells the
/// network's input and what its tensors do not show.
///
/// Whatever the file was, its parameters are encoded as the network itself does it, so that they have the digest of a
/// trained model, and a calibration of either is one of the other.
struct WeightsFile {
    let outline: WeightsOutline
    let tensors: ParameterSet

    /// Throws `StageError.parameters`, with the path, for what cannot be read, is of no known network, or holds numbers that
    /// are none.
    init(_ path: String) throws {
        let (network, loaded) = try StageError.naming { try NetworkFile.load(PublishedWeights.file(path)) }
        tensors = loaded.tensors
        outline = try WeightsOutline(path, loaded.outline, of: network)
    }

    func mil() throws -> (parameters: ParameterSet, configuration: MILConfiguration) {
        try outline.require(.mil)
        return try fitted {
            let configuration = try MILConfiguration(of: tensors)
            let made = try MILNetwork(configuration, seed: 0)
            try made.load(tensors)
            return (try made.parameters(), configuration)
        }
    }

    func toCo() throws -> (parameters: ParameterSet, configuration: ToCoConfiguration) {
        try outline.require(.toCo)
        return try fitted {
            var configuration = ToCoConfiguration(of: tensors.shapes)
            let made = try ToCoNetwork(configuration, seed: nil)
            try made.loadCheckpoint(tensors)
            if let trained = try ToCoConfiguration(numbers: outline.numbers) { configuration = trained }
            return (try made.parameters(), configuration)
        }
    }

    func segmentation() throws -> (parameters: ParameterSet, kind: SegmentationKind) {
        guard case .segmentation(let kind) = outline.network else { throw outline.refusal(.segmentation) }
        return try fitted {
            let made = try kind.network(seed: nil)
            try made.load(tensors)
            return (try made.parameters(), kind)
        }
    }

    func biopsy() throws -> ParameterSet {
        guard case .biopsy(let kind) = outline.network else { throw outline.refusal(.biopsy) }
        return try fitted {
            let made = try BiopsyNetwork(kind, seed: nil)
            try made.load(tensors)
            return try made.parameters()
        }
    }

    func segmentAnything() throws -> ParameterSet {
        guard case .segmentAnything(let kind) = outline.network else { throw outline.refusal(.segmentAnything) }
        return try fitted { try SegmentAnything.parameters(of: tensors, kind: kind) }
    }

    func fitted<Result>(_ body: () throws -> Result) throws -> Result {
        try StageError.naming("\(outline.path), \(outline.network.name)", body)
    }
}

extension WeightsFile {
    /// For a stage whose settings name a file: errors say whose.
    init(_ path: String, stage: String) throws {
        self = try Self.naming(stage) { try WeightsFile(path) }
    }

    /// Says in errors which stage they are of.
    static func naming<Result>(_ stage: String, _ body: () throws -> Result) throws -> Result {
        do { return try body() } catch let error as StageError {
            throw StageError(error.code, "stage \(stage): \(error.message)")
        }
    }

    /// Looks at a file that settings name, without keeping its numbers. Nil: none is named.
    /// - Parameter size: for a stage that must know the side of the network's input: what was asked for, and the method's.
    /// - Throws: `StageError.parameters` for what cannot be read, was cut short, holds numbers that are none, or is of
    ///   another network than `kind`; `.invalidSettings` where nothing tells the side.
    static func look(
        at path: String?, for kind: WeightsKind, size: (wanted: Int?, method: Int)? = nil, stage: String
    ) throws {
        guard let path else { return }
        try naming(stage) {
            let (network, found) = try StageError.naming { try NetworkFile.outline(of: PublishedWeights.file(path)) }
            let outline = try WeightsOutline(path, found, of: network)
            try outline.require(kind)
            if let size { _ = try outline.imageSize(size.wanted, method: size.method) }
        }
    }

    /// Throws `StageError.invalidSettings` where `imageSize` is given without a file that it is for.
    static func check(weights: String?, imageSize: Int?, stage: String) throws {
        guard imageSize == nil || weights != nil else {
            throw StageError(
                .invalidSettings,
                "stage \(stage): `imageSize` is for a file named in `weights`; what the job trains is read at its training's size"
            )
        }
        guard imageSize.map({ (32...4096).contains($0) }) ?? true else {
            throw StageError(.invalidSettings, "stage \(stage): imageSize is 32 to 4096")
        }
    }
}

extension PlanningView {
    /// Refuses results of shards that did not all run the parameters that the round was planned with: a weights file that
    /// changed between two plannings of a round, the first of which a crash cut short.
    /// - Throws: `StageError.parameters`.
    func requireOneModel(_ ran: [SHA256Digest?]) throws {
        let all = Set(ran.compactMap { $0 } + [try modelUsed(byStep: step.name)].compactMap { $0 })
        guard all.count <= 1 else {
            throw StageError(
                .parameters,
                "step \(step.name): shards ran different parameters (\(all.map { $0.hex.prefix(12) + "…" }.sorted().joined(separator: ", "))): "
                    + "the weights file was changed while the job was planned; submit the job again")
        }
    }
}
