import Foundation
import Imaging
import Models
import NeuralNetwork

/// One logical replica's part of a round of `toco-train`: its epochs over its own images.
struct ToCoReplica {
    let settings: ToCoTrainSettings
    let round: Int
    let context: any MapContext
    private let seed: Seed
    private var generator: SeededGenerator
    private(set) var loss = LossMean()
    /// Images that could be read: the replica's weight in the average.
    private(set) var imageCount = 0

    init(settings: ToCoTrainSettings, round: Int, seed: Seed, context: any MapContext) {
        self.settings = settings
        self.round = round
        self.context = context
        self.seed = seed
        generator = seed.derived("order").generator
    }

    mutating func run(_ list: ItemList, network: ToCoNetwork, data: inout BagImages) throws {
        // Looked at once, to know which can be read, and fetched again batch by batch: how many images a replica has is no
        // matter of memory.
        var items: [(ItemList.Item, Int)] = []
        for item in list.items {
            try context.checkCancellation()
            guard let label = item.label, data.picture(item.image, of: item.study) != nil else { continue }
            items.append((item, label))
        }
        imageCount = items.count
        guard !items.isEmpty else { return }
        let parts = (items.count + settings.batch - 1) / settings.batch
        let steps = parts * settings.localEpochs
        let trainer = try ToCoTrainer(
            network, settings.trainingSettings(steps: steps * settings.rounds), seed: seed.derived("trainer").value,
            iteration: round * steps)
        for epoch in 0..<settings.localEpochs {
            for (part, batch) in generator.shuffled(items).batches(of: settings.batch).enumerated() {
                try context.checkCancellation()
                let (images, places) = try data.batch(
                    batch.map { BagItem(study: $0.0.study, image: $0.0.image) }, isChanged: true, using: &generator)
                let lost = batch.indices.map { $0 - batch.startIndex }.first { !places.contains($0) }
                guard let images, lost == nil else { throw StageError.lost(batch[batch.startIndex + (lost ?? 0)].0) }
                loss.add(Double(try trainer.step(images: images, labels: batch.map(\.1)).loss))
                context.progress(done: epoch * parts + part + 1, of: steps)
            }
        }
    }
}
