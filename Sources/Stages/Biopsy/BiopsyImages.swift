import Archives
import Imaging
import NeuralNetwork

/// A centre's images with their class, on their way into a batch.
struct BiopsyImages {
    private var images: BagImages
    /// Where the archive's truth says which images show a polyp.
    private let truth: TruthReader?
    private let perStudy: Int

    init(
        centre: String, side: Int, normalisation: ColourNormalisation, choice: BiopsyTrainSettings.Images, perStudy: Int,
        change: BagImages.Change, cacheBytes: Int?, context: any MapContext
    ) throws {
        let reader =
            try cacheBytes.map { StudyImages(side: side, keptIn: try context.imageStore(), limit: $0) } ?? StudyImages(side: side)
        images = BagImages(
            centre: centre, index: try context.index(ofCentre: centre), images: reader, normalisation: normalisation, change: change)
        truth = choice == .truth ? try context.truth(ofCentre: centre) : nil
        self.perStudy = perStudy
    }

    var failedItems: [ResultRow.ItemRow] { images.failedItems }

    /// Those of the items that are to be looked at and can be read.
    mutating func usable(_ items: [ItemList.Item]) -> [ItemList.Item] {
        var counts: [String: Int] = [:]
        return items.filter { item in
            guard truth == nil || ((try? truth?.showsPolyp(study: item.study, image: item.image)) ?? nil) == true else { return false }
            guard counts[item.study, default: 0] < perStudy, images.picture(item.image, of: item.study) != nil else { return false }
            counts[item.study, default: 0] += 1
            return true
        }
    }

    /// N,side,side,3 normalised, augmented where `isChanged`.
    /// - Throws: `StageError.archive` for an image that could be read before and cannot be now.
    mutating func batch(_ items: [ItemList.Item], using generator: inout SeededGenerator) throws -> Tensor {
        let (input, places) = try images.batch(
            items.map { BagItem(study: $0.study, image: $0.image) }, isChanged: true, using: &generator)
        guard let input, places.count == items.count else {
            throw StageError.lost(items.first { item in images.failedItems.contains { $0.image == item.image } } ?? items[0])
        }
        return input
    }

    /// The pictures as they are, one after another: 8-bit red, green, blue.
    mutating func bytes(_ items: [ItemList.Item]) -> [UInt8] {
        items.flatMap { images.picture($0.image, of: $0.study)?.pixels ?? [] }
    }
}
