import Archives
import Foundation
import Imaging
import Models
import NeuralNetwork

/// A centre's images on their way into a batch.
struct BagImages: BagSource {
    /// What happens to a picture on its way.
    enum Change: Sendable {
        case none
        /// Mirrored across and down, each with probability ½.
        case flips
        /// What an augmentation draws, as a square of `side` pixels.
        case drawn(Augmentation, side: Int)
    }

    let centre: String
    let index: CentreIndex
    let images: StudyImages
    let change: Change
    let normalisation: ColourNormalisation
    private var failures: [String: ResultRow.ItemRow] = [:]

    init(centre: String, index: CentreIndex, images: StudyImages, normalisation: ColourNormalisation, change: Change = .none) {
        self.centre = centre
        self.index = index
        self.images = images
        self.change = change
        self.normalisation = normalisation
    }

    /// A row for each image that could not be read, by study and image.
    var failedItems: [ResultRow.ItemRow] { failures.sorted { $0.key < $1.key }.map(\.value) }

    /// The picture as it was kept; nil, with a row, when it cannot be read.
    mutating func picture(_ image: String, of study: String) -> Image8? {
        let key = study + "/" + image
        if failures[key] != nil { return nil }
        do { return try images.image(image, ofStudy: study, in: index) } catch {
            failures[key] = ResultRow.ItemRow(centre: centre, study: study, image: image, unreadable: error)
            return nil
        }
    }

    mutating func batch(
        _ items: [BagItem], isChanged: Bool, using generator: inout SeededGenerator
    ) throws -> (input: Tensor?, places: [Int]) {
        // An augmentation may draw a smaller square than it was given.
        var side = images.side
        if isChanged, case .drawn(_, let drawn) = change { side = drawn }
        var (bytes, places): ([UInt8], [Int]) = ([], [])
        bytes.reserveCapacity(items.count * side * side * 3)
        for (place, item) in items.enumerated() {
            guard let picture = picture(item.image, of: item.study) else { continue }
            bytes += isChanged ? try augmented(picture, using: &generator).pixels : picture.pixels
            places.append(place)
        }
        guard !places.isEmpty else { return (nil, []) }
        return (
            try Tensor.images(
                rgb: bytes, count: places.count, height: side, width: side, normalisation: normalisation), places
        )
    }

    mutating func scores(of bag: TrainingBag, by scorer: MILScorer) throws -> MILScores? {
        var bytes: [UInt8] = []
        for image in bag.images { bytes += picture(image, of: bag.study)?.pixels ?? [] }
        let count = bytes.count / (images.side * images.side * 3)
        return count == 0 ? nil : try scorer.score(rgb: bytes, count: count, height: images.side, width: images.side)
    }

    private func augmented(_ picture: Image8, using generator: inout SeededGenerator) throws -> Image8 {
        switch change {
        case .none: return picture
        case .flips:
            var result = picture
            if generator.chance(0.5) { result = result.flippedHorizontally() }
            if generator.chance(0.5) { result = result.flippedVertically() }
            return result
        case .drawn(let augmentation, let side):
            return try augmentation.apply(picture, width: side, height: side, seed: generator.next())
        }
    }
}
