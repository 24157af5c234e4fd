import Foundation
import Imaging
import Models
import NeuralNetwork

/// Scores validation bags with a round's starting parameters. Labels are those of the reports; truth is not looked at.
struct MILValidation {
    let input: MILTrainShard
    let list: BagList

    func run(base: ParameterSet, data: BagImages, context: any MapContext) throws -> ShardOutput {
        var data = data
        let side = data.images.side
        let scorer = try MILScorer(
            base, configuration: input.settings.configuration, normalisation: try input.settings.normalisation())
        var record = MILTrainRecord(kind: .validate, base: input.base)
        for (position, bag) in list.bags.enumerated() {
            try context.checkCancellation()
            var bytes: [UInt8] = []
            for image in bag.images { bytes += data.picture(image, of: bag.study)?.pixels ?? [] }
            let count = bytes.count / (side * side * 3)
            context.progress(done: position + 1, of: list.bags.count)
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
        let failed = data.failedItems
        record.unreadable = failed.count
        return ShardOutput(rows: failed.map(ResultRow.item), record: try StageCoding.encode(record))
    }
}
