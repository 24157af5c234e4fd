import Digest
import Foundation

/// What a shard of `evaluate` compares with its centre's truth: the job's results, without any truth.
struct EvaluationInput: Codable {
    /// Results of some studies of one centre, kept as content of its own.
    struct Results: Codable {
        var studies: [Study] = []
        var masks: [Mask] = []
    }

    struct Study: Codable {
        var study: String
        var split: String
        /// What the labels stage made of the report: yes, no, uncertain, or none; nil where the job labels no reports.
        var label: String?
        /// Probability by head, by step.
        var bag: [String: [String: Double]] = [:]
        /// Score by head, by step, by image.
        var images: [String: [String: [String: Double]]] = [:]
        /// What each localising step drew, by its name.
        var drawn: [String: Drawing] = [:]
    }

    /// A study's images as one step saw them.
    struct Drawing: Codable {
        /// Boxes of images that were mapped; nil where the map had no foreground. Empty for steps that draw masks alone.
        var boxes: [String: ResultRow.BoxRow.Rectangle?] = [:]
        /// Images whose box passed the filters.
        var kept: [String] = []
    }

    struct Mask: Codable {
        /// The step that drew it.
        var subject: String
        var study: String
        var image: String
        var split: String
        /// The map, and its foreground.
        var map: SHA256Digest
        var foreground: SHA256Digest
    }

    var centre: String
    /// The first shard of a centre also says what is wrong with the centre's truth as a whole.
    var isFirst: Bool
    var results: SHA256Digest
    var subjects: [EvaluationSubject]
    var settings: EvaluateSettings
}

extension EvaluationInput.Results {
    /// The results of a part of a centre's studies, from the ledger.
    /// - Parameters:
    ///   - splits: of these studies, by name.
    ///   - labels: what their reports say; nil where the job labels no reports.
    init(
        _ part: StudyPart, splits: [String: String], labels: [String: String]?, subjects: [EvaluationSubject],
        view: any PlanningView
    ) throws {
        typealias Drawing = EvaluationInput.Drawing
        var studies: [String: EvaluationInput.Study] = [:]
        for study in part.studies {
            studies[study] = .init(study: study, split: splits[study] ?? "", label: labels.map { $0[study] ?? "none" })
        }
        for step in subjects.map(\.name) {
            for row in try view.bagScores(ofStep: step, in: part) {
                studies[row.study]?.bag[step, default: [:]][row.head] = row.probability
            }
            for row in try view.imageScores(ofStep: step, in: part) where row.head != "attentionWeight" {
                studies[row.study]?.images[row.image, default: [:]][step, default: [:]][row.head] = row.score
            }
        }
        for step in subjects where step.localiser?.drawsBoxes ?? false {
            for row in try view.boxes(ofStep: step.name, in: part) {
                studies[row.study]?.drawn[step.name, default: Drawing()].boxes[row.image] = .some(row.rectangle)
                if row.isKept { studies[row.study]?.drawn[step.name, default: Drawing()].kept.append(row.image) }
            }
        }
        self.studies = part.studies.sorted().compactMap { studies[$0] }
        for step in subjects {
            guard let localiser = step.localiser else { continue }
            var pictures: [[String]: [String: SHA256Digest]] = [:]
            for row in try view.masks(ofStep: step.name, in: part) {
                pictures[[row.study, row.image], default: [:]][row.kind] = row.content
            }
            for (key, kinds) in pictures.sorted(by: { $0.key.lexicographicallyPrecedes($1.key) }) {
                guard let map = kinds[localiser.map], let foreground = kinds[localiser.mask], let study = studies[key[0]] else {
                    continue
                }
                masks.append(
                    .init(
                        subject: step.name, study: study.study, image: key[1], split: study.split, map: map,
                        foreground: foreground))
            }
        }
    }
}
