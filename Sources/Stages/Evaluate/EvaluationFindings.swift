import Evaluation
import Foundation

/// What a shard of `evaluate` found: results beside their truth, ready to be summed over centres.
struct EvaluationFindings: Codable {
    /// A score beside its truth.
    struct Sample: Codable {
        var study: String
        var split: String
        var score: Double
        var isPositive: Bool
    }

    /// The report label beside what the report says.
    struct Label: Codable {
        var study: String
        var split: String
        /// yes, no, uncertain, or none.
        var found: String
        var truth: String
    }

    /// A mapped image that shows a polyp.
    struct Overlap: Codable {
        /// The step that drew it.
        var subject: String
        var study: String
        var split: String
        /// Of the box with the best-fitting polyp's box; nought where the map has no foreground.
        var boxIoU: Double
        var isKept: Bool
        /// Of the map's foreground with the whole truth; nil without a mask.
        var dice: Double?
        var maskIoU: Double?
        /// Of the map itself, by the names of `SegmentationSummary`, without those that take a maximum over all images.
        var measures: [String: Double] = [:]
    }

    /// By step, by head.
    var bags: [String: [String: [Sample]]] = [:]
    var images: [String: [String: [Sample]]] = [:]
    /// Of optical biopsy beside the pathology, by step: studies, and their images. Positive is neoplastic.
    var biopsies: [String: [Sample]] = [:]
    var biopsyImages: [String: [Sample]] = [:]
    var labels: [Label] = []
    var overlaps: [Overlap] = []
    /// Boxes on images that show no polyp, by step and split.
    var falseBoxes: [String: [String: Int]] = [:]
    /// Masks that could be laid over their image, and those that could not; what was taken for granted in reading them.
    var masks = 0
    var unusableMasks = 0
    var assumptions: [String: Int] = [:]
    /// How many studies were looked at, and whether the truth names one of them.
    var studies = 0
    var isNamed = false
    /// What is wrong with the tables of truth as a whole.
    var tables: [String] = []

    /// Whether nothing was compared with truth.
    var isEmpty: Bool { bags.isEmpty && images.isEmpty && biopsies.isEmpty && labels.isEmpty && overlaps.isEmpty && falseBoxes.isEmpty }

    /// Why nothing at all could be compared; nil where something was.
    func reason(splits: [String]) -> String? {
        guard isEmpty else { return nil }
        let splits = splits.joined(separator: ", ")
        if !tables.isEmpty { return tables.joined(separator: "; ") }
        if studies == 0 { return "the centre has no study of split \(splits)" }
        if unusableMasks > 0 { return "none of its \(unusableMasks) masks can be used: see items.csv" }
        return isNamed
            ? "the job has no results about what the truth tells"
            : "its truth names no study of split \(splits): are names written alike, with all noughts?"
    }

    /// Takes in what another shard of the same centre found; the order of shards is the order of studies.
    mutating func add(_ other: EvaluationFindings) {
        for (step, heads) in other.bags {
            for (head, samples) in heads { bags[step, default: [:]][head, default: []] += samples }
        }
        for (step, heads) in other.images {
            for (head, samples) in heads { images[step, default: [:]][head, default: []] += samples }
        }
        for (step, samples) in other.biopsies { biopsies[step, default: []] += samples }
        for (step, samples) in other.biopsyImages { biopsyImages[step, default: []] += samples }
        labels += other.labels
        overlaps += other.overlaps
        for (step, splits) in other.falseBoxes { falseBoxes[step, default: [:]].merge(splits, uniquingKeysWith: +) }
        masks += other.masks
        unusableMasks += other.unusableMasks
        assumptions.merge(other.assumptions, uniquingKeysWith: +)
        studies += other.studies
        isNamed = isNamed || other.isNamed
        tables += other.tables
    }
}
