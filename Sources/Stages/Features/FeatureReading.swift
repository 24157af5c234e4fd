import Archives
import Digest
import Foundation
import Imaging
import Models
import NeuralNetwork

/// One shard's way from image files to features.
struct FeatureReading {
    let recipe: String
    private(set) var record: FeaturesStage.Record
    private(set) var failures: [ResultRow.ItemRow] = []

    private let encoder: TrainedEncoder
    private let extractor: FeatureExtractor
    private let index: CentreIndex
    private let reader: StudyImages
    private let context: any MapContext

    init(_ input: FeaturesStage.Input, context: any MapContext) throws {
        encoder = input.encoder
        recipe = try encoder.recipe()
        record = FeaturesStage.Record(sums: .init(length: encoder.kind.features), parameters: encoder.parameters)
        index = try context.index(ofCentre: input.centre)
        extractor = try encoder.extractor(context: context)
        reader = StudyImages(side: encoder.side, isReducedDecodeAllowed: encoder.isReducedDecodeAllowed)
        self.context = context
    }

    /// The features of a study's images, in bag order. An image that cannot be read leaves a row and is not among them.
    mutating func features(of bag: FeaturesStage.Input.Bag) throws -> StudyFeatures {
        let known = try bag.known.map { try StudyFeatures(decoding: try context.content($0)) } ?? StudyFeatures()
        let places = Dictionary(zip(known.digests, known.images.indices), uniquingKeysWith: { first, _ in first })
        var made = StudyFeatures()
        var bytes: [UInt8] = []
        /// For each image that could be read, where its features are known from.
        var sources: [Int?] = []
        for image in bag.images {
            do {
                let data = try index.imageData(study: bag.study, image: image)
                let digest = SHA256Digest(hashing: data)
                let source = places[digest]
                if source == nil { bytes += try reader.square(data).pixels }
                sources.append(source)
                made.images.append(image)
                made.digests.append(digest)
            } catch {
                failures.append(.init(centre: index.archive.name, study: bag.study, image: image, unreadable: error))
                record.failedImages += 1
            }
        }
        let new = try encode(bytes, of: bag.study)
        let length = encoder.kind.features
        var next = 0
        for (place, source) in sources.enumerated() {
            let vector: ArraySlice<Float>
            if let source {
                vector = known[source]
                record.reusedImages += 1
            } else {
                vector = new[next * length..<(next + 1) * length]
                next += 1
            }
            guard vector.allSatisfy(\.isFinite) else {
                throw StageError(
                    .numeric, "\(bag.study)/\(made.images[place]): a feature is no number; look at the image, then at the encoder")
            }
            made.values += vector
            if bag.isTraining { record.sums.add(vector) }
        }
        record.images += made.images.count
        return made
    }

    private func encode(_ bytes: [UInt8], of study: String) throws -> [Float] {
        let side = encoder.side
        let count = bytes.count / (side * side * 3)
        guard count > 0 else { return [] }
        do {
            let plain = try extractor.features(rgb: bytes, count: count, height: side, width: side)
            guard encoder.mirrored else { return plain }
            var mirrored: [UInt8] = []
            mirrored.reserveCapacity(bytes.count)
            for first in stride(from: 0, to: bytes.count, by: side * side * 3) {
                let image = try Image8(width: side, height: side, channels: 3, pixels: Array(bytes[first..<first + side * side * 3]))
                mirrored += image.flippedHorizontally().pixels
            }
            return zip(plain, try extractor.features(rgb: mirrored, count: count, height: side, width: side)).map { ($0 + $1) / 2 }
        } catch let error as EngineError {
            throw StageError(error.isOfTheMachine ? .machine : .numeric, "study \(study): \(error.message)")
        }
    }
}
