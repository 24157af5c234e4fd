import Imaging
import Models

/// One logical replica's part of a round of `biopsy-train`: its epochs over its own images.
struct BiopsyReplica {
    private let task: TrainingTask<BiopsyTrainSettings>
    private let trainer: BiopsyTrainer
    private var generator: SeededGenerator
    private(set) var loss = LossMean()

    init(_ task: TrainingTask<BiopsyTrainSettings>, network: BiopsyNetwork) throws {
        self.task = task
        trainer = try BiopsyTrainer(
            network, task.settings.optimiserSettings, teachesEncoder: task.settings.trains == .all,
            freezesBatchNorm: task.settings.freezesBatchNorm, precision: task.settings.precision.precision,
            seed: task.seed.derived("trainer").value)
        generator = task.seed.derived("order").generator
    }

    /// - Parameter items: at least two, each with its class.
    mutating func run(_ items: [ItemList.Item], data: inout BiopsyImages) throws {
        let settings = task.settings
        let counts = [0, 1].map { label in items.count { $0.label == label } }
        for epoch in 0..<settings.localEpochs {
            let batches = generator.shuffled(items).batches(of: settings.batch, least: 2)
            for (part, items) in batches.enumerated() {
                try task.context.checkCancellation()
                let batch = Array(items)
                let classes = batch.map { $0.label ?? 0 }
                let weights = classes.map { weight(of: $0, counts: counts) }
                let share = (Double(epoch) + Double(part) / Double(batches.count)) / Double(settings.localEpochs)
                let rate = settings.rate(at: (Double(task.round) + share) / Double(settings.rounds))
                let images = try data.batch(batch, using: &generator)
                loss.add(Double(try trainer.step(images: images, classes: classes, weights: weights, rate: rate)))
                task.context.progress(done: epoch * batches.count + part + 1, of: settings.localEpochs * batches.count)
            }
        }
    }

    /// Both classes count alike, however many images they have, where the settings want that.
    private func weight(of label: Int, counts: [Int]) -> Float {
        task.settings.isBalanced ? Float(counts.reduce(0, +)) / Float(2 * max(1, counts[label])) : 1
    }
}
