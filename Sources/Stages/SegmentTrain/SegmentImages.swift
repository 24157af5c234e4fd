import Archives
import Digest
import Foundation
import Imaging
import NeuralNetwork
import Synchronization

/// A centre's images with their masks, square, on their way into a batch.
struct SegmentImages {
    /// An image with its mask: pixels of `side` × `side`, and numbers in 0…1.
    struct Pair {
        var image: Image8
        var mask: [Float]
    }

    let side: Int
    private let normalisation: ColourNormalisation
    private let index: CentreIndex
    private let images: StudyImages
    private let masks: KeptMasks
    private let truth: TruthReader?
    private let context: any MapContext
    private var failures: [String: ResultRow.ItemRow] = [:]

    init(centre: String, settings: SegmentTrainSettings, context: any MapContext) throws {
        side = settings.imageSize
        normalisation = settings.normalisation
        index = try context.index(ofCentre: centre)
        let (side, bytes) = (settings.imageSize, settings.imageCacheBytes)
        images = try context.shared("images/\(side)/true") {
            StudyImages(side: side, isReducedDecodeAllowed: true, maximumBytes: bytes)
        }
        masks = try context.shared("masks/\(side)/\(settings.labels)") { KeptMasks() }
        truth = settings.labels == .truth ? try context.truth(ofCentre: centre) : nil
        self.context = context
    }

    /// A row for each image or mask that could not be read.
    var failedItems: [ResultRow.ItemRow] { failures.sorted { $0.key < $1.key }.map(\.value) }

    /// The image with its mask; nil when there is no mask, or, with a row, when one of both cannot be read.
    mutating func pair(_ item: ItemList.Item) throws -> Pair? {
        let key = "\(item.study)/\(item.image)"
        if failures[key] != nil { return nil }
        do {
            guard let mask = try mask(item) else { return nil }
            return Pair(image: try images.image(item.image, ofStudy: item.study, in: index), mask: mask)
        } catch let error as StageError {
            throw error
        } catch {
            failures[key] = ResultRow.ItemRow(
                centre: index.archive.name, study: item.study, image: item.image, unreadable: error)
            return nil
        }
    }

    private func mask(_ item: ItemList.Item) throws -> [Float]? {
        try masks.mask("\(index.archive.name)/\(item.study)/\(item.image)") {
            let picture: Image8
            if let digest = item.mask {
                picture = try ImageDecoder.decode(try context.content(digest))
            } else {
                guard let truth, let url = try truth.maskURL(study: item.study, image: item.image) else { return nil }
                let known = try TruthMask(contentsOf: url)
                // A mask in the plain form keeps its smoothed edges.
                picture = known.assumptions.isEmpty ? try ImageDecoder.decode(contentsOf: url) : known.mask.image()
            }
            let grey = picture.grey()
            let square = grey.width == side && grey.height == side ? grey : try grey.resized(width: side, height: side, filter: .bilinear)
            // A mask without a polyp teaches structure loss nothing but silence, and the method has none.
            return square.pixels.contains { $0 > 127 } ? square.pixels.map { Float($0) / 255 } : nil
        }
    }

    /// N,side,side,3 normalised, and N,side,side,1.
    func tensors(_ pairs: [Pair]) throws -> (images: Tensor, masks: Tensor) {
        (
            try Tensor.images(
                rgb: pairs.flatMap(\.image.pixels), count: pairs.count, height: side, width: side, normalisation: normalisation),
            try Tensor(pairs.flatMap(\.mask), shape: [pairs.count, side, side, 1])
        )
    }
}

/// Masks that a process has read once. Those of one job at one size are small beside its images.
private final class KeptMasks: Sendable {
    private let kept = Mutex<[String: [Float]?]>([:])

    func mask(_ key: String, read: () throws -> [Float]?) throws -> [Float]? {
        if let known = kept.withLock({ $0[key] }) { return known }
        let made = try read()
        kept.withLock { $0[key] = .some(made) }
        return made
    }
}
