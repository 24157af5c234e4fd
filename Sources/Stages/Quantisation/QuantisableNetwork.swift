import Foundation
import Imaging
import Models
import NeuralNetwork

/// The networks that infer in 8 bits: what they are called, and what they read.
public enum QuantisableNetwork: String, Sendable, CaseIterable {
    /// EndoKED-MIL: its encoder.
    case mil
    case polypPVT = "polyp-pvt"

    /// Side of the method's input.
    public var imageSize: Int { self == .mil ? MILTrainSettings().imageSize : SegmentTrainSettings().imageSize }

    var normalisation: ColourNormalisation {
        get throws { self == .mil ? try MILTrainSettings().normalisation() : try SegmentTrainSettings().normalisation() }
    }

    /// Parameters of the method's sizes that nobody trained: for speed, not for effects.
    public func randomParameters() throws -> ParameterSet {
        switch self {
        case .mil: try MILNetwork(seed: 1).parameters()
        case .polypPVT: try PolypPVT(.b2, seed: 1).parameters()
        }
    }

    /// The network with these parameters, and how it reads N,H,W,3.
    func made(_ parameters: ParameterSet) throws -> (any Module, (Tensor, ForwardPass) throws -> Void) {
        switch self {
        case .mil:
            let network = try MILNetwork(MILConfiguration(of: parameters), seed: 0)
            try network.load(parameters)
            return (network, { _ = try network.encoder.features($0, $1) })
        case .polypPVT:
            guard let size = PVTSize(of: parameters, prefix: "backbone.") else {
                throw StageError(.parameters, "the parameters are no Polyp-PVT's: no size of its backbone fits them")
            }
            let network = try PolypPVT(size, seed: nil)
            try network.load(parameters)
            return (network, { _ = try network($0, $1) })
        }
    }

    /// An image as this network reads it.
    func input(_ image: Image8, side: Int) throws -> (square: Image8, tensor: Tensor) {
        let square = try image.rgb().resized(width: side, height: side, filter: .bilinear)
        return (
            square,
            try Tensor.images(rgb: square.pixels, count: 1, height: side, width: side, normalisation: try normalisation)
        )
    }

    /// What is wrong where an input of this side cannot be read.
    public func fault(ofSide side: Int) -> String? {
        side < 32 || side > 4096 ? "from 32 to 4096" : self == .polypPVT && side % 32 != 0 ? "a multiple of 32" : nil
    }
}

/// The pictures in a folder and the folders below it, by their paths in it.
public struct PictureFolder: Sendable {
    public let folder: URL
    /// Sorted.
    public let names: [String]

    /// At most `limit` of them, evenly spread over the folder's order.
    public init(_ folder: URL, limit: Int) throws {
        guard let entries = FileManager.default.enumerator(atPath: folder.path) else {
            throw StageError(.archive, "cannot read the folder \(folder.path)")
        }
        let kinds = ["jpg", "jpeg", "png"]
        let all = entries.compactMap { $0 as? String }
            .filter { name in kinds.contains { name.lowercased().hasSuffix("." + $0) } }.sorted()
        guard !all.isEmpty else { throw StageError(.archive, "no JPEG or PNG in \(folder.path)") }
        let count = min(limit, all.count)
        names = (0..<count).map { all[$0 * all.count / count] }
        self.folder = folder
    }

    func image(_ index: Int) throws -> Image8 {
        do {
            return try ImageDecoder.decode(contentsOf: folder.appendingPathComponent(names[index])).rgb()
        } catch let error as ImagingError {
            throw StageError(.archive, "\(names[index]): \(error.message)")
        }
    }
}
