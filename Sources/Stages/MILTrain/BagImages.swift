import Archives
import Foundation
import Imaging

/// A centre's images on their way into a batch.
struct BagImages {
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
    private var failures: [String: ResultRow.ItemRow] = [:]

    init(centre: String, index: CentreIndex, images: StudyImages, change: Change = .none) {
        self.centre = centre
        self.index = index
        self.images = images
        self.change = change
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

    /// Appends the picture's bytes, augmented by what `generator` draws.
    func append(_ picture: Image8, to bytes: inout [UInt8], using generator: inout SeededGenerator) throws {
        bytes += try augmented(picture, using: &generator).pixels
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
