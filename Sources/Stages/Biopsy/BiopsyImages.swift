import Archives
import Imaging
import NeuralNetwork

/// A centre's images with their class, on their way into a batch.
struct BiopsyImages {
    private var images: BagImages
    /// Where the archive's truth says which images show a polyp.
    private let truth: TruthReader?
    private let perStudy: Int
    private var withoutTruth: [ResultRow.ItemRow] = []

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

    /// A row for each image that could not be read, and for each whose truth could not.
    var failedItems: [ResultRow.ItemRow] { images.failedItems + withoutTruth }

    /// Those of the items that are to be looked at and can be read.
    mutating func usable(_ items: [ItemList.Item]) -> [ItemList.Item] {
        var found: [ItemList.Item] = []
        forEachUsable(items) { item, _ in found.append(item) }
        return found
    }

    /// The same with their pictures as they are, one after another: 8-bit red, green, blue. Each is read once.
    mutating func pictures(_ items: [ItemList.Item]) -> (items: [ItemList.Item], bytes: [UInt8]) {
        var (found, bytes): ([ItemList.Item], [UInt8]) = ([], [])
        forEachUsable(items) { item, picture in
            found.append(item)
            bytes += picture.pixels
        }
        return (found, bytes)
    }

    private mutating func forEachUsable(_ items: [ItemList.Item], _ body: (ItemList.Item, Image8) -> Void) {
        var counts: [String: Int] = [:]
        for item in items where counts[item.study, default: 0] < perStudy {
            guard isWanted(item), let picture = images.picture(item.image, of: item.study) else { continue }
            counts[item.study, default: 0] += 1
            body(item, picture)
        }
    }

    private mutating func isWanted(_ item: ItemList.Item) -> Bool {
        guard let truth else { return true }
        do { return try truth.showsPolyp(study: item.study, image: item.image) == true } catch {
            let row = ResultRow.ItemRow(centre: images.centre, study: item.study, image: item.image, unreadable: error)
            // A list is gone through once a round, a study's images perhaps twice.
            if !withoutTruth.contains(row) { withoutTruth.append(row) }
            return false
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
}
