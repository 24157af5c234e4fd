import Digest
import Foundation

/// What a shard of `evaluate` compares with its centre's truth: the job's results, without any truth.
struct EvaluationInput: Codable {
    /// A list of results of one centre, kept as content of its own.
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
    var results: SHA256Digest
    var subjects: [EvaluationSubject]
    var settings: EvaluateSettings

    /// The results of a centre, from the ledger.
    static func results(centre: String, settings: EvaluateSettings, view: any PlanningView) throws -> Results {
        var studies: [String: Study] = [:]
        for row in try view.studies() where row.centre == centre && settings.splits.contains(row.split) {
            studies[row.study] = Study(study: row.study, split: row.split)
        }
        let labels = try view.reportLabels()
        if !labels.isEmpty {
            for study in studies.keys { studies[study]?.label = "none" }
            for row in labels where row.centre == centre { studies[row.study]?.label = row.polyp }
        }
        let subjects = try EvaluationSubject.all(view)
        for step in subjects.map(\.name) {
            for row in try view.bagScores(ofStep: step) where row.centre == centre {
                studies[row.study]?.bag[step, default: [:]][row.head] = row.probability
            }
            for row in try view.imageScores(ofStep: step) where row.centre == centre && row.head != "attentionWeight" {
                studies[row.study]?.images[row.image, default: [:]][step, default: [:]][row.head] = row.score
            }
        }
        for step in subjects where step.localiser?.drawsBoxes ?? false {
            for row in try view.boxes(ofStep: step.name) where row.centre == centre {
                studies[row.study]?.drawn[step.name, default: Drawing()].boxes[row.image] = .some(row.rectangle)
                if row.isKept { studies[row.study]?.drawn[step.name, default: Drawing()].kept.append(row.image) }
            }
        }
        var results = Results(studies: studies.values.sorted { $0.study < $1.study })
        for step in subjects {
            guard let localiser = step.localiser else { continue }
            var pictures: [String: [String: SHA256Digest]] = [:]
            for row in try view.masks(ofStep: step.name) where row.centre == centre && studies[row.study] != nil {
                pictures["\(row.study)/\(row.image)", default: [:]][row.kind] = row.content
            }
            for (key, kinds) in pictures.sorted(by: { $0.key < $1.key }) {
                let parts = key.split(separator: "/", maxSplits: 1).map(String.init)
                guard parts.count == 2, let map = kinds[localiser.map], let foreground = kinds[localiser.mask],
                    let split = studies[parts[0]]?.split
                else { continue }
                results.masks.append(
                    Mask(
                        subject: step.name, study: parts[0], image: parts[1], split: split, map: map,
                        foreground: foreground))
            }
        }
        return results
    }
}
