import Models

/// Scores validation bags with a round's starting parameters. Labels are those of the reports; truth is not looked at.
struct MILValidation {
    let task: TrainingTask<MILTrainSettings>
    let bags: [TrainingBag]
    let configuration: MILConfiguration

    func run(data: inout any BagSource, record: inout MILTrainRecord) throws {
        let scorer = try MILScorer(task.base, configuration: configuration, normalisation: try task.settings.normalisation())
        for (position, bag) in bags.enumerated() {
            try task.context.checkCancellation()
            let seen = try data.scores(of: bag, by: scorer)
            task.context.progress(done: position + 1, of: bags.count)
            guard let seen else { continue }
            let student = seen.student.max() ?? 0
            guard seen.attentionBag.isFinite, seen.dsmilBag.isFinite, student.isFinite else {
                throw StageError(.numeric, "study \(bag.study) has a score that is no number: training has diverged")
            }
            record.bags += 1
            record.images += seen.student.count
            record.scores.append(
                .init(label: bag.label, attention: seen.attentionBag, dsmil: seen.dsmilBag, student: student))
        }
    }
}
