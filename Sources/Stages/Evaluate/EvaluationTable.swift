import Digest
import Evaluation
import Foundation

/// From findings to evaluation rows: for each split, each centre and `all`.
struct EvaluationTable {
    typealias Row = ResultRow.EvaluationRow

    let findings: [(centre: String, findings: EvaluationFindings)]
    /// In the pipeline's order.
    let subjects: [EvaluationSubject]
    let settings: EvaluateSettings
    /// Parameters by the step that ran them.
    let models: [String: SHA256Digest]

    func rows() throws -> [Row] {
        try settings.splits.flatMap { split in
            var rows = try labels(split)
            rows += try ranked("bag", split) { $0.bags }
            rows += try ranked("image", split) { $0.images }
            rows += try ranked("biopsy", split) { $0.biopsies.mapValues { [BiopsyStage.head: $0] } }
            rows += try ranked("biopsy-image", split) { $0.biopsyImages.mapValues { [BiopsyStage.head: $0] } }
            rows += try biopsies(split)
            for subject in subjects {
                if let localiser = subject.localiser { rows += try overlaps(split, of: subject.name, localiser) }
            }
            return rows
        }
    }

    /// Numbers for `status`: those of the first split over all centres.
    static func headline(_ rows: [Row]) -> [String: Double] {
        let split = rows.first?.dataset
        var metrics: [String: Double] = [:]
        let subjects = Dictionary(grouping: rows, by: { [$0.level, $0.head] }).mapValues { Set($0.map(\.subject)).count }
        for row in rows where row.centre == "all" && row.dataset == split {
            if let value = row.value {
                // A head of several steps is told by the step.
                let head = subjects[[row.level, row.head]] ?? 1 > 1 ? row.subject : row.head
                metrics[[row.level, head, row.metric].filter { !$0.isEmpty }.joined(separator: ".")] = value
            }
        }
        return metrics
    }

    /// Each centre's items of a split, then all of them together.
    private func groups<Item>(_ pick: (EvaluationFindings) -> [Item]) -> [Group<Item>] {
        var groups: [Group<Item>] = []
        for (centre, found) in findings {
            let items = pick(found).map { (centre: centre, item: $0) }
            if !items.isEmpty { groups.append(Group(centre: centre, items: items)) }
        }
        if !groups.isEmpty { groups.append(Group(centre: "all", items: groups.flatMap(\.items))) }
        return groups
    }

    private struct Group<Item> {
        var centre: String
        var items: [(centre: String, item: Item)]
    }

    // MARK: Labels

    private func labels(_ split: String) throws -> [Row] {
        groups { $0.labels.filter { $0.split == split } }.flatMap { group -> [Row] in
            let items = group.items.map(\.item)
            let right = items.count { $0.found == $0.truth }
            let opposite = items.count { Set([$0.found, $0.truth]) == ["yes", "no"] }
            return [("accuracy", right), ("opposite-share", opposite)].map { metric, count in
                let interval = ConfidenceInterval.wilson(count, of: items.count)
                return Row(
                    subject: "labels", model: nil, dataset: split, centre: group.centre, level: "report", head: "",
                    metric: metric,
                    value: Double(count) / Double(items.count), lower: interval?.lower, upper: interval?.upper,
                    count: items.count)
            }
        }
    }

    // MARK: Bags and images

    private func ranked(
        _ level: String, _ split: String, pick: (EvaluationFindings) -> [String: [String: [EvaluationFindings.Sample]]]
    ) throws -> [Row] {
        let pairs = subjects.enumerated().flatMap { order, step in
            Set(findings.flatMap { (pick($0.findings)[step.name] ?? [:]).keys }).map { (head: $0, order: order, step: step.name) }
        }.sorted { ($0.head, $0.order) < ($1.head, $1.order) }
        return try pairs.flatMap { head, _, step in
            let groups = groups { (pick($0)[step]?[head] ?? []).filter { $0.split == split } }
            // One centre alone is all of them: its thousand resamples need not be drawn twice.
            let isAlone = groups.count == 2
            let rows = try groups.prefix(isAlone ? 1 : groups.count).flatMap { group -> [Row] in
                try ranked(
                    level, split, head: head, subject: step, centre: group.centre,
                    samples: group.items.map {
                        ClassificationSample(
                            centre: $0.centre, study: $0.item.study, score: $0.item.score,
                            isPositive: $0.item.isPositive)
                    })
            }
            guard isAlone else { return rows }
            return rows
                + rows.map { row in
                    var all = row
                    all.centre = "all"
                    return all
                }
        }
    }

    private func ranked(
        _ level: String, _ split: String, head: String, subject: String, centre: String, samples: [ClassificationSample]
    ) throws -> [Row] {
        let pooled = try ClassificationReport.pooledRow(
            of: samples, threshold: settings.threshold, bootstrap: StudyBootstrap(resamples: settings.resamples))
        guard let found = pooled else { return [] }
        func row(_ metric: String, _ value: Double?, _ interval: ConfidenceInterval?, note: String = "") -> Row {
            Row(
                subject: subject, model: models[subject], dataset: split, centre: centre, level: level, head: head,
                metric: metric, value: value, lower: value == nil ? nil : interval?.lower,
                upper: value == nil ? nil : interval?.upper,
                count: samples.count, note: note)
        }
        let isOneSided = found.positives == 0 || found.positives == found.samples
        let note =
            isOneSided
            ? "not defined: all \(found.samples) are \(found.positives == 0 ? "negative" : "positive")"
            : "\(found.positives) positive, \(found.samples - found.positives) negative"
        return [
            row("auc", isOneSided ? nil : found.area, found.areaInterval, note: note),
            row(
                "average-precision", isOneSided ? nil : found.averagePrecision, found.averagePrecisionInterval,
                note: note),
        ]
    }

    // MARK: Optical biopsy

    /// How far its probabilities are to be believed, and what is left when those that are not sure are left open.
    private func biopsies(_ split: String) throws -> [Row] {
        let steps = subjects.filter { step in findings.contains { $0.findings.biopsies[step.name] != nil } }
        return try steps.flatMap { step in
            try groups { ($0.biopsies[step.name] ?? []).filter { $0.split == split } }.flatMap { group -> [Row] in
                let samples = group.items.map(\.item)
                let quality = try ProbabilityQuality(
                    probabilities: samples.map(\.score), isPositive: samples.map(\.isPositive), confidence: settings.confidence)
                func row(_ metric: String, _ value: Double?, _ interval: ConfidenceInterval? = nil, count: Int, note: String) -> Row {
                    Row(
                        subject: step.name, model: models[step.name], dataset: split, centre: group.centre, level: "biopsy",
                        head: BiopsyStage.head, metric: metric, value: value, lower: interval?.lower, upper: interval?.upper,
                        count: count, note: note)
                }
                let decided = quality.decided
                return [
                    row("brier", quality.brier, count: samples.count, note: "mean squared error of the probability"),
                    row("calibration-error", quality.calibrationError, count: samples.count, note: "expected, ten bins"),
                    row(
                        "open-share", 1 - Double(decided) / Double(samples.count), .wilson(samples.count - decided, of: samples.count),
                        count: samples.count, note: "no diagnosis: neither class reaches \(settings.confidence)"),
                    row(
                        "decided-accuracy", decided == 0 ? nil : Double(quality.right) / Double(decided),
                        .wilson(quality.right, of: decided), count: decided,
                        note: decided == 0 ? "not defined: all are left open" : "of those not left open"),
                ]
            }
        }
    }

    // MARK: Boxes and masks

    private func overlaps(_ split: String, of subject: String, _ localiser: Localiser) throws -> [Row] {
        groups { $0.overlaps.filter { $0.split == split && $0.subject == subject } }.flatMap { group -> [Row] in
            let centre = group.centre
            let items = group.items.map(\.item)
            let falseBoxes = findings.filter { centre == "all" || $0.centre == centre }
                .reduce(0) { $0 + ($1.findings.falseBoxes[subject]?[split] ?? 0) }
            let hits = items.count { $0.boxIoU >= settings.hitOverlap }
            let kept = items.filter(\.isKept)
            let keptHits = kept.count { $0.boxIoU >= settings.hitOverlap }
            func row(
                _ level: String, _ metric: String, _ value: Double?, _ interval: ConfidenceInterval? = nil, count: Int,
                note: String = ""
            ) -> Row {
                Row(
                    subject: subject, model: models[subject], dataset: split, centre: centre,
                    level: level,
                    head: localiser.head, metric: metric,
                    value: value, lower: interval?.lower, upper: interval?.upper, count: count, note: note)
            }
            func mean(_ values: [Double]) -> Double? {
                values.isEmpty ? nil : values.reduce(0, +) / Double(values.count)
            }
            let dice = items.compactMap(\.dice)
            let overlap = items.compactMap(\.maskIoU)
            let images = localiser.drawsBoxes ? "true-positive images" : "images that show a polyp"
            let names = Set(items.flatMap(\.measures.keys)).sorted()
            let masks =
                names.map { name in
                    let values = items.compactMap { $0.measures[name] }
                    return row("mask", name, mean(values), count: values.count, note: "the map itself, \(images)")
                } + [
                    row("mask", "dice", mean(dice), count: dice.count, note: dice.isEmpty ? "no masks" : images),
                    row(
                        "mask", "iou", mean(overlap), count: overlap.count, note: overlap.isEmpty ? "no masks" : images),
                ]
            guard localiser.drawsBoxes else { return masks }
            return masks + [
                row(
                    "box", "box-hit-share", mean(items.map { $0.boxIoU >= settings.hitOverlap ? 1 : 0 }),
                    .wilson(hits, of: items.count), count: items.count,
                    note: "\(images); a hit has IoU ≥ \(settings.hitOverlap)"),
                row("box", "box-iou", mean(items.map(\.boxIoU)), count: items.count, note: images),
                row(
                    "box", "kept-share", Double(kept.count) / Double(items.count), .wilson(kept.count, of: items.count),
                    count: items.count, note: "boxes that passed the filters"),
                row(
                    "box", "kept-hit-share", kept.isEmpty ? nil : Double(keptHits) / Double(kept.count),
                    .wilson(keptHits, of: kept.count), count: kept.count,
                    note: kept.isEmpty ? "not defined: no box passed the filters" : "boxes that passed the filters"),
                row(
                    "box", "false-boxes", Double(falseBoxes), count: falseBoxes, note: "boxes on images without a polyp"
                ),
            ]
        }
    }
}
