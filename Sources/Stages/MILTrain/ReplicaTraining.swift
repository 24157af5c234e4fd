import Foundation
import Imaging
import Models
import NeuralNetwork

/// One logical replica's part of a round: its epochs over its own bags, the teachers' phase and then the student's
/// (docs/Method.md, section 2).
struct ReplicaTraining {
    let settings: MILTrainSettings
    let bags: [TrainingBag]
    let round: Int
    let trainer: MILTrainer
    let context: any MapContext
    var data: any BagSource
    var generator: SeededGenerator

    /// The teachers' scores of this epoch.
    private var attentionRange = ScoreRange()
    private var dsmilRange = ScoreRange()
    private(set) var teacherLoss = LossMean()
    private(set) var studentLoss = LossMean()
    /// Images of the replica's bags, readable or not.
    var imageCount: Int { bags.reduce(0) { $0 + $1.images.count } }

    init(
        settings: MILTrainSettings, bags: [TrainingBag], round: Int, network: MILNetwork, seed: Seed,
        data: any BagSource,
        context: any MapContext
    ) throws {
        self.settings = settings
        self.bags = bags
        self.round = round
        self.data = data
        self.context = context
        trainer = try MILTrainer(network, settings.trainingSettings, seed: seed.derived("trainer").value)
        generator = seed.derived("order").generator
    }

    mutating func run() throws {
        let (context, count) = (context, bags.count)
        let total = settings.localEpochs * count * 2
        for epoch in 0..<settings.localEpochs {
            let start = epoch * count * 2
            if round >= settings.teacherStartRound {
                let order = try teacherOrder()
                try teacherPhase(order, epoch: epoch) { context.progress(done: start + $0, of: total) }
            }
            guard round >= settings.studentStartRound else { continue }
            try studentPhase(epoch: epoch) { context.progress(done: start + count + $0, of: total) }
        }
    }

    /// The learning rate `share` of the way through a phase of an epoch.
    private func rate(epoch: Int, share: Double) -> Float {
        let inRound = (Double(epoch) + share) / Double(settings.localEpochs)
        let rise = settings.localWarmUp > 0 ? min(1, Float(inRound) / settings.localWarmUp) : 1
        return rise * settings.rate(at: (Double(round) + inRound) / Double(settings.rounds))
    }

    // MARK: Teachers

    /// The bags of this epoch in a random order, positive ones as the student filter leaves them.
    private mutating func teacherOrder() throws -> [TrainingBag] {
        var seen = bags
        if settings.studentFilter != .none, round >= settings.filterStartRound, round >= settings.studentStartRound {
            let filter = StudentFilter(settings: settings)
            var probabilities: [[Float]] = []
            for bag in bags { probabilities.append(bag.label == 1 ? try studentProbabilities(bag) : []) }
            seen = filter.apply(bags, probabilities: probabilities, using: &generator)
        }
        return generator.shuffled(seen)
    }

    private mutating func studentProbabilities(_ bag: TrainingBag) throws -> [Float] {
        try context.checkCancellation()
        let (input, readable) = try data.batch(bag.items, isChanged: false, using: &generator)
        // An image that cannot be read ranks below all.
        var probabilities = [Float](repeating: -1, count: bag.images.count)
        guard let input else { return probabilities }
        let seen = try trainer.evaluate(images: input)
        for (place, probability) in zip(readable, seen.student) { probabilities[place] = probability }
        return probabilities
    }

    private mutating func teacherPhase(_ order: [TrainingBag], epoch: Int, progress: (Int) -> Void) throws {
        attentionRange = ScoreRange()
        dsmilRange = ScoreRange()
        for start in stride(from: 0, to: order.count, by: settings.bagsPerStep) {
            try context.checkCancellation()
            var step: [(images: Tensor, label: Int)] = []
            for bag in order[start..<min(start + settings.bagsPerStep, order.count)] {
                let (input, places) = try data.batch(bag.items, isChanged: true, using: &generator)
                // Statistics over one image are none.
                guard let input, places.count >= 2 else { continue }
                step.append((input, bag.label))
            }
            progress(min(start + settings.bagsPerStep, order.count))
            guard !step.isEmpty else { continue }
            let outcomes = try trainer.teacherStep(
                bags: step, rate: rate(epoch: epoch, share: 0.5 * Double(start) / Double(order.count)),
                teachesEncoder: round >= settings.teacherStartRound + settings.teacherHeadRounds)
            for outcome in outcomes {
                teacherLoss.add(Double(outcome.loss))
                attentionRange.widen(outcome.attention.scores)
                dsmilRange.widen(outcome.dsmil.scores)
            }
        }
    }

    // MARK: Student

    private mutating func studentPhase(epoch: Int, progress: (Int) -> Void) throws {
        let items = generator.shuffled(bags.flatMap { bag in bag.images.map { (bag, $0) } })
        let inherits = round < settings.inheritedLabelRounds
        // None is left with statistics over two or three images.
        for batch in items.batches(of: settings.studentBatch) {
            try context.checkCancellation()
            let (start, end) = (batch.startIndex, batch.endIndex)
            let part = Array(batch)
            let (input, places) = try data.batch(
                part.map { BagItem(study: $0.0.study, image: $0.1) }, isChanged: true, using: &generator)
            let labels = places.map { part[$0].0.label }
            progress(bags.count * end / items.count)
            guard let images = input, labels.count >= 2 else { continue }
            let rate = rate(epoch: epoch, share: 0.5 + 0.5 * Double(start) / Double(items.count))
            guard !inherits else {
                studentLoss.add(Double(try trainer.studentStep(images: images, targets: labels.map(Float.init), rate: rate).loss))
                continue
            }
            let (attentionRange, dsmilRange, weights) = (attentionRange, dsmilRange, settings.mergeWeights)
            let step = try trainer.studentStep(images: images, rate: rate) { teachers in
                let (attention, dsmil) = try teachers.inTrainingMode()
                return labels.indices.map { place in
                    // Negative guidance: no image of a negative bag shows a polyp.
                    labels[place] == 0
                        ? 0
                        : weights[0] * attentionRange.share(of: attention[place])
                            + weights[1] * dsmilRange.share(of: dsmil[place])
                }
            }
            studentLoss.add(Double(step.loss))
        }
    }

}

/// Lowest and highest score of an epoch.
package struct ScoreRange {
    private var low = Float.infinity
    private var high = -Float.infinity

    package init() {}

    package mutating func widen(_ scores: [Float]) {
        for score in scores {
            low = min(low, score)
            high = max(high, score)
        }
    }

    /// Where a score lies between the epoch's lowest and highest, within 1e-5 of the ends; one half while they are one.
    package func share(of score: Float) -> Float {
        guard high > low else { return 0.5 }
        return min(1 - 1e-5, max(1e-5, (score - low) / (high - low)))
    }
}
