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
    var labels: [Label] = []
    var overlaps: [Overlap] = []
    /// Boxes on images that show no polyp, by step and split.
    var falseBoxes: [String: [String: Int]] = [:]
    /// Masks that could be laid over their image, and those that could not; what was taken for granted in reading them.
    var masks = 0
    var unusableMasks = 0
    var assumptions: [String: Int] = [:]
    /// Why nothing at all could be compared; nil where something was.
    var reason: String?

    /// Whether nothing was compared with truth.
    var isEmpty: Bool { bags.isEmpty && images.isEmpty && labels.isEmpty && overlaps.isEmpty && falseBoxes.isEmpty }
}
