import Archives
import Foundation
import Imaging
import Models
import NeuralNetwork

/// The networks that infer in 8 bits: what they are called, and what they read.
public enum QuantisableNetwork: RawRepresentable, Sendable, Hashable, CaseIterable {
    /// EndoKED-MIL: its encoder.
    case mil
    /// Its vision transformer.
    case toCo
    case segmentation(SegmentationName)
    /// The image encoder of Segment Anything or MobileSAM.
    case segmentAnything

    public static var allCases: [QuantisableNetwork] {
        [.mil, .toCo] + SegmentationName.allCases.map { .segmentation($0) } + [.segmentAnything]
    }

    public init?(rawValue: String) {
        guard let found = Self.allCases.first(where: { $0.rawValue == rawValue }) else { return nil }
        self = found
    }

    /// As calibrations carry it.
    public var rawValue: String {
        switch self {
        case .mil: "mil"
        case .toCo: "toco"
        case .segmentation(let name): name.rawValue
        case .segmentAnything: "segment-anything"
        }
    }

    /// Side of the method's input.
    public var imageSize: Int {
        switch self {
        case .mil: MILTrainSettings().imageSize
        case .toCo: ToCoTrainSettings().imageSize
        case .segmentation(let name): name.family.recipe.imageSize
        case .segmentAnything: Self.segmentAnythingSide
        }
    }

    /// The only size that its positions are made for.
    private static let segmentAnythingSide = 1024

    var normalisation: ColourNormalisation {
        get throws {
            switch self {
            case .mil: try MILTrainSettings().normalisation()
            case .toCo, .segmentation, .segmentAnything: .imageNet
            }
        }
    }

    /// Chosen by measure. With limits of least error one synthetic image in a hundred changed its ToCo score by 0.53, with
    /// the greatest magnitudes by 0.14 at most (bf16: 0.11); embeddings of Segment Anything come nearer with least error.
    var limits: Calibrator.Limits { self == .toCo ? .greatest : .leastError }

    /// Parameters of the method's sizes that nobody trained: for speed, not for effects. Those of Segment Anything and
    /// MobileSAM follow the golden formula.
    /// - Parameter isMobile: MobileSAM instead of ViT-B.
    public func untrained(isMobile: Bool = false) throws -> NetworkWeights {
        switch self {
        case .mil: NetworkWeights(network: self, parameters: try MILNetwork(seed: 1).parameters())
        case .segmentation(let name):
            NetworkWeights(network: self, parameters: try name.usualKind.network(seed: 1).parameters())
        case .toCo:
            NetworkWeights(
                network: self,
                parameters: try ToCoNetwork(ToCoConfiguration(hasProjections: false), seed: 1).parameters())
        case .segmentAnything:
            NetworkWeights(network: self, parameters: try SegmentAnything.goldenParameters(isMobile ? .mobile : .vitB))
        }
    }

    /// The parameters in a file, as the network itself encodes them, so that their digest is that of trained models.
    /// - Throws: `StageError.parameters` for a file of another network, or one that does not fit.
    public func weights(file: URL) throws -> NetworkWeights {
        let weights = try WeightsFile(file.path)
        let side = weights.outline.imageSize
        switch self {
        case .mil: return NetworkWeights(network: self, parameters: try weights.mil().parameters, imageSize: side)
        case .segmentation(let name):
            let (parameters, kind) = try weights.segmentation()
            guard kind.name == name else { throw weights.outline.refusal(.segmentation(name)) }
            return NetworkWeights(network: self, parameters: parameters, imageSize: side)
        case .segmentAnything: return NetworkWeights(network: self, parameters: try weights.segmentAnything())
        case .toCo:
            let (parameters, configuration) = try weights.toCo()
            return NetworkWeights(network: self, parameters: parameters, toCo: configuration, imageSize: side)
        }
    }

    /// A picture as this network reads it; Segment Anything's at `side` along its longer side, zeros beyond.
    func input(_ image: Image8, side: Int) throws -> (resized: Image8, tensor: Tensor) {
        if self == .segmentAnything {
            let (width, height) = SegmentAnything.inputSize(width: image.width, height: image.height, side: side)
            let resized = try image.rgb().resized(width: width, height: height, filter: .bilinear)
            return (resized, try SegmentAnything.input(rgb: resized.pixels, width: width, height: height, side: side))
        }
        let square = try image.rgb().resized(width: side, height: side, filter: .bilinear)
        return (
            square,
            try Tensor.images(rgb: square.pixels, count: 1, height: side, width: side, normalisation: try normalisation)
        )
    }

    /// What is wrong where an input of this side cannot be read.
    public func fault(ofSide side: Int) -> String? {
        switch self {
        case .segmentAnything: side == Self.segmentAnythingSide ? nil : "\(Self.segmentAnythingSide)"
        case .segmentation(let name) where side % name.family.sideMultiple != 0: "a multiple of \(name.family.sideMultiple)"
        default: (32...4096).contains(side) ? nil : "from 32 to 4096"
        }
    }
}

/// A network's parameters, with what their tensors do not show.
public struct NetworkWeights: Sendable {
    public let network: QuantisableNetwork
    public let parameters: ParameterSet
    /// Of ToCo, where it was written down.
    var toCo: ToCoConfiguration?
    /// Side of the input that they were trained with, where it was written down.
    public var imageSize: Int?

    var toCoConfiguration: ToCoConfiguration { toCo ?? ToCoConfiguration(of: parameters.shapes) }

    /// The network with these parameters, and how it reads what `QuantisableNetwork.input` makes.
    func made() throws -> (any Module, (Tensor, ForwardPass) throws -> Void) {
        switch network {
        case .mil:
            let made = try MILNetwork(MILConfiguration(of: parameters), seed: 0)
            try made.load(parameters)
            return (made, { _ = try made.encoder.features($0, $1) })
        case .toCo:
            var configuration = toCoConfiguration
            configuration.hasProjections = false
            let made = try ToCoNetwork(configuration, seed: nil)
            try made.loadCheckpoint(parameters)
            return (made, { _ = try made.features($0, $1) })
        case .segmentation:
            let made = try SegmentationKind(of: parameters).network(seed: nil)
            try made.load(parameters)
            return (made, { _ = try made.maps($0, $1) })
        case .segmentAnything:
            let made = try SegmentAnythingNetwork(SegmentAnything.kind(of: parameters))
            try made.load(parameters)
            return (made, { _ = try made.imageEncoder($0, $1) })
        }
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
        // By their bytes, as in a study; what says that it is an image and is none is told when it is its turn.
        let all = entries.compactMap { $0 as? String }
            .filter { name in
                let url = folder.appendingPathComponent(name)
                guard !url.lastPathComponent.hasPrefix(".") else { return false }
                return CentreIndex.imageExtensions.contains(url.pathExtension.lowercased())
                    || (try? ImageProbe(contentsOf: url)) != nil
            }.sorted()
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
