import Archives
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
    let normalisation: ColourNormalisation
    let context: any MapContext
    var data: BagImages
    var generator: SeededGenerator

    /// The teachers' scores of this epoch.
    private var attentionRange = ScoreRange()
    private var dsmilRange = ScoreRange()
    private(set) var teacherLoss = LossMean()
    private(set) var studentLoss = LossMean()
    /// Images of the replica's bags, readable or not.
    var imageCount: Int { bags.reduce(0) { $0 + $1.images.count } }

    init(
        settings: MILTrainSettings, bags: [TrainingBag], round: Int, network: MILNetwork, seed: Seed, data: BagImages,
        context: any MapContext
    ) throws {
        self.settings = settings
        self.bags = bags
        self.round = round
        self.data = data
        self.context = context
        trainer = try MILTrainer(network, settings.trainingSettings, seed: seed.derived("trainer").value)
        normalisation = try settings.normalisation()
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
        var bytes: [UInt8] = []
        var readable: [Int] = []
        for (place, image) in bag.images.enumerated() {
            guard let picture = data.picture(image, of: bag.study) else { continue }
            bytes += picture.pixels
            readable.append(place)
        }
        // An image that cannot be read ranks below all.
        var probabilities = [Float](repeating: -1, count: bag.images.count)
        guard !readable.isEmpty else { return probabilities }
        let seen = try trainer.evaluate(images: try tensor(bytes, count: readable.count))
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
                let (bytes, count) = try augmented(bag)
                // Statistics over one image are none.
                guard count >= 2 else { continue }
                step.append((try tensor(bytes, count: count), bag.label))
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

    private mutating func augmented(_ bag: TrainingBag) throws -> ([UInt8], Int) {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(bag.images.count * data.images.side * data.images.side * 3)
        var count = 0
        for image in bag.images {
            guard let picture = data.picture(image, of: bag.study) else { continue }
            try data.append(picture, to: &bytes, using: &generator)
            count += 1
        }
        return (bytes, count)
    }

    // MARK: Student

    private mutating func studentPhase(epoch: Int, progress: (Int) -> Void) throws {
        let items = generator.shuffled(bags.flatMap { bag in bag.images.map { (bag, $0) } })
        let inherits = round < settings.inheritedLabelRounds
        // Batches of about equal size: none is left with statistics over two or three images.
        let parts = (items.count + settings.studentBatch - 1) / settings.studentBatch
        for part in 0..<parts {
            try context.checkCancellation()
            let (start, end) = (items.count * part / parts, items.count * (part + 1) / parts)
            var bytes: [UInt8] = []
            var labels: [Int] = []
            for (bag, image) in items[start..<end] {
                guard let picture = data.picture(image, of: bag.study) else { continue }
                try data.append(picture, to: &bytes, using: &generator)
                labels.append(bag.label)
            }
            progress(bags.count * end / items.count)
            guard labels.count >= 2 else { continue }
            let images = try tensor(bytes, count: labels.count)
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

    private func tensor(_ bytes: [UInt8], count: Int) throws -> Tensor {
        try Tensor.images(
            rgb: bytes, count: count, height: data.images.side, width: data.images.side, normalisation: normalisation)
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
