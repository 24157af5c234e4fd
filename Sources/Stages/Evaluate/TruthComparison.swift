import Archives
import Digest
import Evaluation
import Foundation
import Imaging

/// Lays a centre's results beside its truth.
package struct TruthComparison {
    let truth: TruthReader
    let settings: EvaluateSettings
    private(set) var findings = EvaluationFindings()

    init(truth: TruthReader, settings: EvaluateSettings) {
        self.truth = truth
        self.settings = settings
    }

    mutating func add(_ study: EvaluationInput.Study, masks: [String: EvaluationInput.Mask], context: any MapContext) throws {
        let known = truth.studies[study.study]
        if let report = known?.report, let label = study.label {
            findings.labels.append(.init(study: study.study, split: study.split, found: label, truth: report))
        }
        var shown = truth.images[study.study] ?? [:]
        let images = Set(study.images.keys).union(study.drawn.values.flatMap(\.boxes.keys)).union(masks.values.map(\.image))
        for image in images where shown[image] == nil {
            shown[image] = try truth.showsPolyp(study: study.study, image: image)
        }
        // A study whose own truth is not written down shows a polyp when one of its images does.
        if let polyp = known?.polyp ?? (shown.isEmpty ? nil : shown.values.contains(true)) {
            for (head, score) in study.bag {
                findings.bags[head, default: []].append(
                    .init(study: study.study, split: study.split, score: score, isPositive: polyp))
            }
        }
        for (image, heads) in study.images.sorted(by: { $0.key < $1.key }) {
            guard let polyp = shown[image] else { continue }
            for (head, score) in heads {
                findings.images[head, default: []].append(
                    .init(study: study.study, split: study.split, score: score, isPositive: polyp))
            }
        }
        for (subject, drawing) in study.drawn.sorted(by: { $0.key < $1.key }) {
            for (image, rectangle) in drawing.boxes.sorted(by: { $0.key < $1.key }) {
                guard let polyp = shown[image] else { continue }
                guard polyp else {
                    if rectangle != nil { findings.falseBoxes[subject, default: [:]][study.split, default: 0] += 1 }
                    continue
                }
                guard (study.images[image]?["student"] ?? 1) >= settings.threshold else { continue }
                try add(
                    image, of: study, subject: subject, rectangle: rectangle, isKept: drawing.kept.contains(image),
                    mask: masks[subject + "/" + image], context: context)
            }
        }
        for mask in masks.values.sorted(by: { $0.image < $1.image }) {
            guard let localiser = Localiser.named(mask.subject), !localiser.drawsBoxes, shown[mask.image] == true else { continue }
            try add(
                mask.image, of: study, subject: mask.subject, rectangle: nil, isKept: false, mask: mask, context: context)
        }
    }

    private mutating func add(
        _ image: String, of study: EvaluationInput.Study, subject: String, rectangle: ResultRow.BoxRow.Rectangle?,
        isKept: Bool, mask: EvaluationInput.Mask?, context: any MapContext
    ) throws {
        do {
            guard let url = try truth.maskURL(study: study.study, image: image) else { return }
            let actual = Mask(try ImageDecoder.decode(contentsOf: url), atLeast: 129)
            let box = rectangle.map { Box(x0: $0.x0, y0: $0.y0, x1: $0.x1, y1: $0.y1) }
            var overlap = EvaluationFindings.Overlap(
                subject: subject, study: study.study, split: study.split, boxIoU: Self.bestOverlap(of: box, with: actual),
                isKept: isKept)
            if let mask {
                let predicted = try ImageDecoder.decode(try context.content(mask.foreground)).grey()
                let score = try BinaryMaskScore(
                    prediction: predicted.pixels, truth: actual.image().pixels, width: actual.width, height: actual.height,
                    measuringDistance: false)
                overlap.dice = score.dice
                overlap.maskIoU = score.intersectionOverUnion
                let map = try ImageDecoder.decode(try context.content(mask.map)).grey()
                let soft = try SegmentationScore(
                    prediction: map.pixels, truth: actual.image().pixels, width: actual.width, height: actual.height)
                for (name, value) in SegmentationSummary(soft).measures where !name.lowercased().contains("max") {
                    overlap.measures[name] = value
                }
            }
            findings.overlaps.append(overlap)
        } catch let error as ImagingError {
            findings.problems.append("truth of \(study.study)/\(image): \(error.message)")
        } catch let error as ArchiveError {
            findings.problems.append("truth of \(study.study)/\(image): \(error.message)")
        } catch let error as EvaluationError {
            findings.problems.append("truth of \(study.study)/\(image): \(error)")
        }
    }

    /// The highest IoU of `box` with the box of one of the truth's polyps.
    package static func bestOverlap(of box: Box?, with actual: Mask) -> Double {
        guard let box else { return 0 }
        return actual.polypBoxes.map { $0.intersectionOverUnion(box) }.max() ?? 0
    }
}
