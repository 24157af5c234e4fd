import Imaging
import Models
import NeuralNetwork

/// Scores validation bags with a round's starting parameters. Labels are those of the reports; truth is not looked at.
struct MILValidation {
    let task: TrainingTask<MILTrainSettings>
    let bags: [TrainingBag]

    func run(data: inout BagImages, record: inout MILTrainRecord) throws {
        let side = data.images.side
        let scorer = try MILScorer(
            task.base, configuration: task.settings.configuration, normalisation: try task.settings.normalisation())
        for (position, bag) in bags.enumerated() {
            try task.context.checkCancellation()
            var bytes: [UInt8] = []
            for image in bag.images { bytes += data.picture(image, of: bag.study)?.pixels ?? [] }
            let count = bytes.count / (side * side * 3)
            task.context.progress(done: position + 1, of: bags.count)
            guard count > 0 else { continue }
            let seen = try scorer.score(rgb: bytes, count: count, height: side, width: side)
            let student = seen.student.max() ?? 0
            guard seen.attentionBag.isFinite, seen.dsmilBag.isFinite, student.isFinite else {
                throw StageError(.numeric, "study \(bag.study) has a score that is no number: training has diverged")
            }
            record.bags += 1
            record.images += count
            record.scores.append(
                .init(label: bag.label, attention: seen.attentionBag, dsmil: seen.dsmilBag, student: student))
        }
    }
}
