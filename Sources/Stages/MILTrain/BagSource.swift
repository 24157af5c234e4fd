import Imaging
import Models
import NeuralNetwork

/// An image of a bag, as a training finds it.
struct BagItem {
    var study: String
    var image: String
}

/// What a MIL network learns from: a centre's images as they are read, or what an encoder said of them before.
protocol BagSource {
    /// What the network reads of some images, first dimension the images; those that cannot be read are left out.
    ///
    /// - Parameter isChanged: whether they are augmented, by what `generator` draws.
    /// - Returns: the input, nil without any image, and which of `items` are in it.
    mutating func batch(
        _ items: [BagItem], isChanged: Bool, using generator: inout SeededGenerator
    ) throws -> (input: Tensor?, places: [Int])

    /// What a frozen network says of a bag; nil where none of its images can be read.
    mutating func scores(of bag: TrainingBag, by scorer: MILScorer) throws -> MILScores?

    /// A row for each image that could not be read, by study and image.
    var failedItems: [ResultRow.ItemRow] { get }
}

extension TrainingBag {
    var items: [BagItem] { images.map { BagItem(study: study, image: $0) } }
}
