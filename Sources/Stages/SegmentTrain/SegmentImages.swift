import Archives
import Digest
import Foundation
import Imaging
import NeuralNetwork

/// A centre's images with their masks, square, on their way into a batch.
struct SegmentImages {
    /// An image with its mask, of `side` × `side` pixels: three channels, and one of 0…255.
    struct Pair {
        var image: Image8
        var mask: Image8
    }

    let side: Int
    private let normalisation: ColourNormalisation
    private let index: CentreIndex
    private let images: StudyImages
    private let store: ImageStore
    private let limit: Int
    private let truth: TruthReader?
    private let context: any MapContext
    private var failures: [String: ResultRow.ItemRow] = [:]
    /// Where the drawn masks of this shard's images lie, nil where there is none: finding one lists a folder.
    private var maskFiles: [String: URL?] = [:]

    init(centre: String, settings: SegmentTrainSettings, context: any MapContext) throws {
        side = settings.imageSize
        normalisation = settings.normalisation
        index = try context.index(ofCentre: centre)
        store = try context.imageStore()
        limit = settings.imageCacheBytes
        images = StudyImages(side: side, keptIn: store, limit: limit)
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
            guard let mask = try mask(item, key) else { return nil }
            return Pair(image: try images.image(item.image, ofStudy: item.study, in: index), mask: mask)
        } catch let error as StageError {
            throw error
        } catch {
            failures[key] = ResultRow.ItemRow(
                centre: index.archive.name, study: item.study, image: item.image, unreadable: error)
            return nil
        }
    }

    private mutating func mask(_ item: ItemList.Item, _ key: String) throws -> Image8? {
        if item.label == 0 { return Image8(width: side, height: side, channels: 1) }
        if let digest = item.mask {
            return try store.mask(.init(.content(digest), side: side, reading: .mask), limit: limit) {
                try square(ImageDecoder.decode(context.content(digest)))
            }
        }
        guard let url = try maskFile(item, key) else { return nil }
        return try store.mask(.init(.file(FileIdentity(of: url)), side: side, reading: .mask), limit: limit) {
            let known = try TruthMask(contentsOf: url)
            // A mask in the plain form keeps its smoothed edges.
            return try square(known.assumptions.isEmpty ? ImageDecoder.decode(contentsOf: url) : known.mask.image())
        }
    }

    private mutating func maskFile(_ item: ItemList.Item, _ key: String) throws -> URL? {
        if let known = maskFiles[key] { return known }
        let found = try truth?.maskURL(study: item.study, image: item.image)
        maskFiles[key] = .some(found)
        return found
    }

    /// A mask as it is learnt from; nil for one without a polyp: it teaches structure loss nothing but silence, and the method
    /// has none.
    private func square(_ picture: Image8) throws -> Image8? {
        let grey = picture.grey()
        let square = grey.width == side && grey.height == side ? grey : try grey.resized(width: side, height: side, filter: .bilinear)
        return square.pixels.contains { $0 > 127 } ? square : nil
    }

    /// N,side,side,3 normalised, and N,side,side,1 in 0…1.
    func tensors(_ pairs: [Pair]) throws -> (images: Tensor, masks: Tensor) {
        (
            try Tensor.images(
                rgb: pairs.flatMap(\.image.pixels), count: pairs.count, height: side, width: side, normalisation: normalisation),
            try Tensor(
                pairs.flatMap { $0.mask.pixels.map { Float($0) / 255 } }, shape: [pairs.count, side, side, 1])
        )
    }
}
