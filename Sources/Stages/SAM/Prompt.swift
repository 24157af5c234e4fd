import Archives
import Imaging
import Models

/// What prompts the network on one image.
package struct Prompt: ImageItem {
    /// The row that tells of it; its rectangle is the largest of `boxes`.
    var row: ResultRow.BoxRow
    var boxes: [Box]
    /// Pixels of the image in which the boxes were drawn; nil where it is the image's own stored size for certain.
    private var drawnIn: (width: Int, height: Int)?

    package var study: String { row.study }
    package var image: String { row.image }

    /// A box that an earlier stage drew; nil where its map had no foreground.
    init?(_ row: ResultRow.BoxRow) {
        guard let sides = row.rectangle else { return nil }
        self.row = row
        boxes = [Box(x0: sides.x0, y0: sides.y0, x1: sides.x1, y1: sides.y1)]
    }

    /// Round each polyp of the image's own mask; nil where it has none, or an empty one.
    ///
    /// Throws `ArchiveError` where the mask cannot be read, naming it.
    init?(_ item: ItemOfBox, truth: TruthReader) throws {
        let mask: Mask
        do {
            guard let known = try truth.mask(study: item.study, image: item.image) else { return nil }
            mask = known.mask
        } catch let error as ImagingError {
            throw ArchiveError(.unreadable, "its mask in truth/\(item.study) cannot be read: \(error.message)")
        }
        boxes = mask.polypBoxes
        guard let largest = boxes.max(by: { $0.area < $1.area }) else { return nil }
        row = ResultRow.BoxRow(
            centre: item.centre, study: item.study, image: item.image,
            rectangle: .init(x0: largest.x0, y0: largest.y0, x1: largest.x1, y1: largest.y1),
            areaShare: Double(largest.area) / Double(mask.width * mask.height), isKept: true, rejection: nil)
        drawnIn = (mask.width, mask.height)
    }

    /// Throws `ArchiveError` where the boxes are of a mask that is not as large as the image.
    func check(against image: Image8) throws {
        guard let drawnIn, drawnIn != (image.width, image.height) else { return }
        throw ArchiveError(
            .unreadable,
            "its mask in truth/\(study) is of \(drawnIn.width)×\(drawnIn.height) pixels, the image of "
                + "\(image.width)×\(image.height): give it a mask of its own size")
    }
}

extension Mask {
    /// The box of each polyp that was drawn. Specks below a fiftieth of the largest polyp's box are no polyps.
    var polypBoxes: [Box] {
        let boxes = ConnectedComponents(of: self).components.map(\.box)
        let largest = boxes.map(\.area).max() ?? 0
        return boxes.filter { $0.area * 50 >= largest }
    }
}

extension SegmentationPrompt.Box {
    /// The method's boxes are (x, y, x + w, y + h), as ours are.
    init(_ box: Box) {
        self.init(left: Float(box.x0), top: Float(box.y0), right: Float(box.x1), bottom: Float(box.y1))
    }
}
