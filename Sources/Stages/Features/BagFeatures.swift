import Digest
import Foundation
import Imaging
import Models
import NeuralNetwork

/// What an encoder said of the images of some bags, standardised, on its way into a batch.
///
/// The features of a replica's bags are all in memory: five kilobytes an image with 1,280 numbers.
struct BagFeatures: BagSource {
    private let length: Int
    /// By study: where an image's numbers begin among `values`.
    private var places: [String: [String: Int]] = [:]
    private var values: [Float] = []

    /// An image that the encoder's step could not read has its row there; here it is left out.
    let failedItems: [ResultRow.ItemRow] = []

    /// - Throws: `StageError.missingInput` for bags without features, or features of another length.
    init(_ list: BagList, context: any MapContext) throws {
        guard let source = list.features,
            let statistics = FeatureStatistics(in: try ParameterSet(decoding: try context.content(source.statistics)))
        else { throw StageError(.missingInput, "these bags have no features: see the features step") }
        length = source.length
        for bag in list.bags {
            guard let content = bag.features else { continue }
            let study = try StudyFeatures(decoding: try context.content(content))
            guard study.length == length, statistics.mean.count == length else {
                throw StageError(.missingInput, "study \(bag.study): its features are \(study.length) numbers an image, not \(length)")
            }
            let start = values.count
            places[bag.study] = Dictionary(
                study.images.enumerated().map { ($1, start + $0 * length) }, uniquingKeysWith: { first, _ in first })
            values += statistics.standardised(study.values)
        }
    }

    mutating func batch(
        _ items: [BagItem], isChanged: Bool, using generator: inout SeededGenerator
    ) throws -> (input: Tensor?, places: [Int]) {
        let (numbers, found) = numbers(of: items)
        return (found.isEmpty ? nil : try Tensor(numbers, shape: [found.count, 1, 1, length]), found)
    }

    mutating func scores(of bag: TrainingBag, by scorer: MILScorer) throws -> MILScores? {
        let (numbers, found) = numbers(of: bag.items)
        return found.isEmpty ? nil : try scorer.score(features: numbers)
    }

    private func numbers(of items: [BagItem]) -> (numbers: [Float], places: [Int]) {
        var (numbers, found): ([Float], [Int]) = ([], [])
        for (place, item) in items.enumerated() {
            guard let start = places[item.study]?[item.image] else { continue }
            numbers += values[start..<start + length]
            found.append(place)
        }
        return (numbers, found)
    }
}
