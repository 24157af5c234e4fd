import Digest
import Foundation

/// One row that a shard's result, or a reduce, adds to the ledger. Every kind is unique by its job, stage and the keys
/// that it names: the same row cannot be there twice. No row carries report text or a patient's name.
public enum ResultRow: Sendable, Hashable {
    case reportLabel(ReportLabelRow)
    case bagScore(BagScoreRow)
    case imageScore(ImageScoreRow)
    case box(BoxRow)
    case mask(MaskRow)
    case feature(FeatureRow)
    case picture(PictureRow)
    case itemStatus(ItemStatusRow)
    case study(StudyRow)
    case evaluation(EvaluationRow)
    case event(EventRow)
}

/// What a report says. Unique by (job, stage, centre, study).
public struct ReportLabelRow: Sendable, Hashable {
    public enum Polyp: String, Codable, Sendable { case yes, no, uncertain }
    public var centre: String
    public var study: String
    public var polyp: Polyp
    /// 0…1.
    public var confidence: Double
    /// Findings without report text, JSON.
    public var findings: Data
    /// Which extractor said so.
    public var source: String

    public init(centre: String, study: String, polyp: Polyp, confidence: Double, findings: Data, source: String) {
        self.centre = centre
        self.study = study
        self.polyp = polyp
        self.confidence = confidence
        self.findings = findings
        self.source = source
    }
}

/// The polyp probability of one bag by one head. Unique by (job, stage, centre, study, head).
public struct BagScoreRow: Sendable, Hashable {
    public var centre: String
    public var study: String
    public var head: String
    public var probability: Double

    public init(centre: String, study: String, head: String, probability: Double) {
        self.centre = centre
        self.study = study
        self.head = head
        self.probability = probability
    }
}

/// The score of one image by one head (student, attention, dsmil). Unique by (job, stage, centre, study, image, head).
public struct ImageScoreRow: Sendable, Hashable {
    public var centre: String
    public var study: String
    public var image: String
    public var head: String
    public var score: Double

    public init(centre: String, study: String, image: String, head: String, score: Double) {
        self.centre = centre
        self.study = study
        self.image = image
        self.head = head
        self.score = score
    }
}

/// The box of one image, in pixels of the image, x1 and y1 exclusive. Unique by (job, stage, centre, study, image).
public struct BoxRow: Sendable, Hashable {
    public var centre: String
    public var study: String
    public var image: String
    public var x0: Double
    public var y0: Double
    public var x1: Double
    public var y1: Double
    /// The box's share of the image, 0…1.
    public var areaFraction: Double
    /// Whether it passed the method's filters.
    public var kept: Bool
    /// Why it did not; "" when it did.
    public var reason: String

    public init(
        centre: String, study: String, image: String, x0: Double, y0: Double, x1: Double, y1: Double,
        areaFraction: Double, kept: Bool, reason: String
    ) {
        self.centre = centre
        self.study = study
        self.image = image
        self.x0 = x0
        self.y0 = y0
        self.x1 = x1
        self.y1 = y1
        self.areaFraction = areaFraction
        self.kept = kept
        self.reason = reason
    }
}

/// A mask or heat map of one image, kept as a blob. Unique by (job, stage, centre, study, image, kind).
public struct MaskRow: Sendable, Hashable {
    public var centre: String
    public var study: String
    public var image: String
    public var kind: String
    public var blob: SHA256Digest

    public init(centre: String, study: String, image: String, kind: String, blob: SHA256Digest) {
        self.centre = centre
        self.study = study
        self.image = image
        self.kind = kind
        self.blob = blob
    }
}

/// What an encoder says of a study's images, kept as a blob. Unique by (job, stage, centre, study).
public struct FeatureRow: Sendable, Hashable {
    public var centre: String
    public var study: String
    /// Which encoder, and how images were brought to it: equal for features that may stand for each other.
    public var recipe: String
    public var blob: SHA256Digest

    public init(centre: String, study: String, recipe: String, blob: SHA256Digest) {
        self.centre = centre
        self.study = study
        self.recipe = recipe
        self.blob = blob
    }
}

/// A picture that stayed in its centre: the ledger has its name and its digest, not its content. Unique as `MaskRow` is.
public struct PictureRow: Sendable, Hashable {
    public var centre: String
    public var study: String
    public var image: String
    public var kind: String
    public var digest: SHA256Digest

    public init(centre: String, study: String, image: String, kind: String, digest: SHA256Digest) {
        self.centre = centre
        self.study = study
        self.image = image
        self.kind = kind
        self.digest = digest
    }
}

/// How one item fared in one stage. Unique by (job, stage, centre, study, image, reason); image "" means the study itself.
/// One that is there already is merged with: the worse status stays.
public struct ItemStatusRow: Sendable, Hashable {
    public enum Status: String, Codable, Sendable { case done, failed, skipped, empty }
    public var centre: String
    public var study: String
    public var image: String
    public var status: Status
    /// A short, countable word for the reason; "" when done.
    public var reason: String
    public var message: String

    public init(centre: String, study: String, image: String, status: Status, reason: String, message: String) {
        self.centre = centre
        self.study = study
        self.image = image
        self.status = status
        self.reason = reason
        self.message = message
    }
}

/// One examination: a report and its bag. Unique by (job, centre, study).
public struct StudyRow: Sendable, Hashable {
    public var centre: String
    public var study: String
    /// A hash of the patient's key, never the key.
    public var patient: String
    /// `train`, `test`, or what the archive calls it.
    public var split: String
    public var language: String
    /// The bag's image names, in the archive's order.
    public var images: [String]
    public var pathology: String?
    public var hasReport: Bool

    public init(
        centre: String, study: String, patient: String, split: String, language: String, images: [String],
        pathology: String? = nil, hasReport: Bool = true
    ) {
        self.centre = centre
        self.study = study
        self.patient = patient
        self.split = split
        self.language = language
        self.images = images
        self.pathology = pathology
        self.hasReport = hasReport
    }
}

/// One metric of an evaluation. Unique by (job, stage, subject, model, dataSet, centre, level, head, metric).
public struct EvaluationRow: Sendable, Hashable, Codable {
    /// The stage whose output was measured; "" for the evaluating stage itself.
    public var subject: String
    /// Digest of the model's parameters; nil where no model was involved.
    public var model: SHA256Digest?
    public var dataSet: String
    /// A centre's name, or `all`.
    public var centre: String
    /// `bag`, `image`, `box`, `mask`, `report`.
    public var level: String
    /// Which of a model's heads; "" where there is but one.
    public var head: String
    public var metric: String
    /// nil where the metric is not defined on this data; `note` says why.
    public var value: Double?
    /// The confidence interval, where there is one.
    public var lower: Double?
    public var upper: Double?
    /// How many items it rests on.
    public var count: Int64
    public var note: String

    public init(
        subject: String = "", model: SHA256Digest?, dataSet: String, centre: String, level: String, head: String = "",
        metric: String, value: Double?, lower: Double? = nil, upper: Double? = nil, count: Int64, note: String = ""
    ) {
        self.subject = subject
        self.head = head
        self.note = note
        self.model = model
        self.dataSet = dataSet
        self.centre = centre
        self.level = level
        self.metric = metric
        self.value = value
        self.lower = lower
        self.upper = upper
        self.count = count
    }
}

/// Something worth remembering. Not unique: an event of a shard is written when, and only when, the shard commits.
public struct EventRow: Sendable, Hashable {
    public var kind: String
    public var message: String

    public init(kind: String, message: String) {
        self.kind = kind
        self.message = message
    }
}
