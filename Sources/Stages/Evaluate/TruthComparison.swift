import Archives
import Digest
import Evaluation
import Foundation
import Imaging

/// Lays a centre's results beside its truth. What cannot be compared becomes an item of its own, and the rest goes on.
package struct TruthComparison {
    let truth: TruthReader
    let subjects: [EvaluationSubject]
    let settings: EvaluateSettings
    /// The size of an image as it is displayed; nil where the image cannot be read now.
    let size: (_ study: String, _ image: String) -> (width: Int, height: Int)?
    private(set) var findings = EvaluationFindings()
    private(set) var items: [ResultRow.ItemRow]

    /// - Parameter isFirst: whether to say what is wrong with the centre's truth as a whole.
    init(
        truth: TruthReader, subjects: [EvaluationSubject], settings: EvaluateSettings, isFirst: Bool,
        size: @escaping (_ study: String, _ image: String) -> (width: Int, height: Int)?
    ) {
        self.truth = truth
        self.subjects = subjects
        self.settings = settings
        self.size = size
        let issues = isFirst ? truth.issues : []
        findings.tables = issues.filter { $0.row == nil }.map(\.message)
        items = issues.map { issue in
            let file = issue.file ?? "truth"
            return ResultRow.ItemRow(
                centre: issue.centre, study: issue.study ?? "", image: issue.row.map { "\(file), line \($0)" } ?? file,
                status: "failed", reason: issue.code, message: issue.message)
        }
    }

    mutating func add(_ study: EvaluationInput.Study, masks: [String: EvaluationInput.Mask], context: any MapContext) throws {
        let known = truth.truth(ofStudy: study.study)
        findings.studies += 1
        if known != nil || !truth.rows(ofStudy: study.study).isEmpty { findings.isNamed = true }
        if let report = known?.report, let label = study.label {
            findings.labels.append(.init(study: study.study, split: study.split, found: label, truth: report))
        }
        let images = Set(study.images.keys).union(study.drawn.values.flatMap(\.boxes.keys)).union(masks.values.map(\.image))
        var shown: [String: Bool] = [:]
        var actual: [String: Mask] = [:]
        for image in images.sorted() {
            let found = TruthFinding(truth, study: study.study, image: image, size: size(study.study, image))
            shown[image] = look(at: found, image: image, of: study)
            if case .mask(let mask) = found { actual[image] = mask.mask }
        }
        addBiopsies(study, pathology: known?.pathology.flatMap { PathologyClass($0) })
        // A study whose own truth is not written down shows a polyp when one of its images does.
        let told = Array(truth.rows(ofStudy: study.study).values) + Array(shown.values)
        if let polyp = known?.polyp ?? (told.isEmpty ? nil : told.contains(true)) {
            for (step, heads) in study.bag {
                for (head, score) in heads where head != BiopsyStage.head {
                    findings.bags[step, default: [:]][head, default: []].append(
                        .init(study: study.study, split: study.split, score: score, isPositive: polyp))
                }
            }
        }
        for (image, steps) in study.images.sorted(by: { $0.key < $1.key }) {
            guard let polyp = shown[image] else { continue }
            for (step, heads) in steps {
                for (head, score) in heads where head != BiopsyStage.head {
                    findings.images[step, default: [:]][head, default: []].append(
                        .init(study: study.study, split: study.split, score: score, isPositive: polyp))
                }
            }
        }
        for (subject, drawing) in study.drawn.sorted(by: { $0.key < $1.key }) {
            for (image, rectangle) in drawing.boxes.sorted(by: { $0.key < $1.key }) {
                guard let polyp = shown[image] else { continue }
                guard polyp else {
                    if rectangle != nil { findings.falseBoxes[subject, default: [:]][study.split, default: 0] += 1 }
                    continue
                }
                guard (studentScore(image, of: study) ?? 1) >= settings.threshold, let actual = actual[image] else { continue }
                try add(
                    image, of: study, subject: subject, rectangle: rectangle, isKept: drawing.kept.contains(image),
                    mask: masks[subject + "/" + image], actual: actual, context: context)
            }
        }
        for mask in masks.values.sorted(by: { $0.image < $1.image }) {
            guard let localiser = subjects.first(where: { $0.name == mask.subject })?.localiser, !localiser.drawsBoxes,
                shown[mask.image] == true,
                let actual = actual[mask.image]
            else { continue }
            try add(
                mask.image, of: study, subject: mask.subject, rectangle: nil, isKept: false, mask: mask, actual: actual,
                context: context)
        }
    }

    /// Studies without a pathology that is known have no place in it.
    private mutating func addBiopsies(_ study: EvaluationInput.Study, pathology: PathologyClass?) {
        guard let pathology else { return }
        func sample(_ score: Double) -> EvaluationFindings.Sample {
            .init(study: study.study, split: study.split, score: score, isPositive: pathology == .neoplastic)
        }
        for (step, heads) in study.bag {
            if let score = heads[BiopsyStage.head] { findings.biopsies[step, default: []].append(sample(score)) }
        }
        for (_, steps) in study.images.sorted(by: { $0.key < $1.key }) {
            for (step, heads) in steps {
                if let score = heads[BiopsyStage.head] { findings.biopsyImages[step, default: []].append(sample(score)) }
            }
        }
    }

    /// Of the last step that has one.
    private func studentScore(_ image: String, of study: EvaluationInput.Study) -> Double? {
        guard let steps = study.images[image] else { return nil }
        return subjects.lazy.reversed().compactMap { steps[$0.name]?[Product.studentScores.family] }.first
    }

    /// Counts what an image's mask is good for, and says whether the image shows a polyp; nil: not known.
    private mutating func look(at found: TruthFinding, image: String, of study: EvaluationInput.Study) -> Bool? {
        let told = truth.toldPolyp(study: study.study, image: image)
        switch found {
        case .none: return told
        case .mask(let mask):
            findings.masks += 1
            for kind in mask.assumptions { findings.assumptions[kind.rawValue, default: 0] += 1 }
            return told ?? !mask.isEmpty
        case .unusable(let reason, let message):
            findings.unusableMasks += 1
            report(image, of: study, reason, message)
            // One of another size than its image still says whether there is a polyp.
            return told ?? (try? truth.showsPolyp(study: study.study, image: image)) ?? nil
        }
    }

    private mutating func add(
        _ image: String, of study: EvaluationInput.Study, subject: String, rectangle: ResultRow.BoxRow.Rectangle?,
        isKept: Bool, mask: EvaluationInput.Mask?, actual: Mask, context: any MapContext
    ) throws {
        do {
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
            report(image, of: study, "unreadable-result", "what \(subject) drew cannot be read: \(error.message)")
        } catch let error as EvaluationError {
            report(
                image, of: study, error.code == .sizeMismatch ? "mask-size" : "not-comparable",
                "what \(subject) drew cannot be laid over the image's mask: \(error.message)")
        }
    }

    private mutating func report(_ image: String, of study: EvaluationInput.Study, _ reason: String, _ message: String) {
        items.append(
            .init(
                centre: truth.centre.name, study: study.study, image: image, status: "failed", reason: reason,
                message: message))
    }

    /// The highest IoU of `box` with the box of one of the truth's polyps.
    package static func bestOverlap(of box: Box?, with actual: Mask) -> Double {
        guard let box else { return 0 }
        return actual.polypBoxes.map { $0.intersectionOverUnion(box) }.max() ?? 0
    }
}
