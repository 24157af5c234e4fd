import Foundation
import Imaging
import Models
import NeuralNetwork

/// One logical replica's part of a round of `segment-train`: its epochs over its own images.
struct SegmentReplica {
    let settings: SegmentTrainSettings
    let round: Int
    let trainer: SegmentationTrainer
    let context: any MapContext
    private var generator: SeededGenerator
    private(set) var loss = LossMean()
    /// Images that were learnt from: the replica's weight in the average.
    private(set) var imageCount = 0

    init(
        settings: SegmentTrainSettings, round: Int, network: any SegmentationNetwork, seed: Seed, context: any MapContext
    ) throws {
        self.settings = settings
        self.round = round
        self.context = context
        trainer = try SegmentationTrainer(network, settings.trainingSettings, seed: seed.derived("trainer").value)
        generator = seed.derived("order").generator
    }

    mutating func run(_ list: ItemList, data: inout SegmentImages) throws {
        let augmentation = settings.augmentationOfBatches()
        // Looked at once, to know which can be learnt from, and fetched again batch by batch: how many images a replica has
        // is no matter of memory.
        var items: [ItemList.Item] = []
        for item in list.items {
            try context.checkCancellation()
            if try data.pair(item) != nil { items.append(item) }
        }
        // Batch normalisation needs two images. A centre may have fewer masks, or none: its replica then leaves the
        // parameters as they are and weighs nothing.
        guard items.count >= 2, items.contains(where: { $0.label != 0 }) else { return }
        imageCount = items.count
        for epoch in 0..<settings.localEpochs {
            // None is left with statistics over one image.
            let batches = generator.shuffled(items).batches(of: settings.batch, least: 2)
            for (part, items) in batches.enumerated() {
                try context.checkCancellation()
                let batch = try items.map { item in
                    guard var pair = try data.pair(item) else { throw StageError.lost(item) }
                    if let jitter = settings.jitter { pair.image = jitter.apply(pair.image, using: &generator) }
                    return pair
                }
                var (images, masks) = try data.tensors(batch)
                if let augmentation {
                    (images, masks) = try augmentation.moved(images: images, masks: masks, seed: generator.next())
                }
                let share = (Double(epoch) + Double(part) / Double(batches.count)) / Double(settings.localEpochs)
                let rate = settings.rate(at: (Double(round) + share) / Double(settings.rounds))
                let steps = try trainer.step(images: images, masks: masks, rate: rate)
                loss.add(Double(steps.reduce(0) { $0 + $1.loss }) / Double(steps.count))
                context.progress(done: epoch * batches.count + part + 1, of: settings.localEpochs * batches.count)
            }
        }
    }
}
