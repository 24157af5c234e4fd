import Foundation
import Imaging
import Models
import NeuralNetwork

/// A trained segmentation network, for images outside of an archive: they go through it as in the stage `segment`.
public struct DatasetNetwork: Sendable {
    /// For people: which network, of which file.
    public let title: String
    /// Side of its input, in pixels.
    public let imageSize: Int
    private let predictor: SegmentationPredictor

    /// - Parameters:
    ///   - place: a checkpoint, a name that `endoked weights` lists, or the results of a job: a folder whose `models/`
    ///     hold one segmentation network.
    ///   - imageSize: the side of its input where the file does not tell it.
    /// - Throws: `StageError` for what is no segmentation network, and where it is not told which one is meant.
    public init(_ place: String, imageSize: Int? = nil, isBFloat16: Bool = false) throws {
        let file = try Self.file(place)
        let weights = try WeightsFile(file)
        let (parameters, kind) = try weights.segmentation()
        let side = try Self.side(imageSize, weights.outline, kind)
        self.imageSize = side
        title = "\(kind.title), \(file), input \(side)"
        predictor = try StageError.naming(file) {
            try SegmentationPredictor(parameters, kind, precision: isBFloat16 ? .bfloat16 : .float32)
        }
    }

    private static func side(_ wanted: Int?, _ outline: WeightsOutline, _ kind: SegmentationKind) throws -> Int {
        guard let side = wanted ?? outline.imageSize else {
            throw StageError(
                .invalidSettings,
                "\(outline.path) does not say at which size its network reads images: give --size (the method's is "
                    + "\(kind.family.recipe.imageSize))")
        }
        guard side % kind.family.sideMultiple == 0 else {
            throw StageError(.invalidSettings, "--size is a multiple of \(kind.family.sideMultiple) for \(kind.title)")
        }
        return side
    }

    /// The network's file in a job's results.
    private static func file(_ place: String) throws -> String {
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: place, isDirectory: &isFolder), isFolder.boolValue else { return place }
        let folders = [place + "/models", place]
        let files = folders.flatMap { folder in
            ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).sorted().map { folder + "/" + $0 }
        }.filter { $0.hasSuffix(".safetensors") }
        let networks = files.filter { file in
            guard case .segmentation? = try? NetworkFile.outline(of: URL(fileURLWithPath: file)).network else { return false }
            return true
        }
        switch networks.count {
        case 1: return networks[0]
        case 0:
            throw StageError(
                .parameters,
                "\(place) holds no segmentation network, there or in models/: name the results of a job with a step segment-train")
        default:
            throw StageError(
                .parameters, "\(place) holds \(networks.count) segmentation networks: name one: " + networks.joined(separator: ", "))
        }
    }

    /// What it says of an image: for each pixel of `width` × `height` how much it belongs to a polyp, 0…1.
    ///
    /// Any number of threads may ask at once.
    /// - Throws: `StageError`.
    public func map(of image: Image8, width: Int, height: Int) throws -> FloatImage {
        try StageError.naming(notFinite: .numeric) {
            try predictor.map(of: image.rgb(), side: imageSize, width: width, height: height)
        }
    }
}
