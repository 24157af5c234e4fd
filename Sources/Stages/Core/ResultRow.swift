import Digest
import Foundation

/// A typed result, on its way into the ledger. Keys are study and image names, never patients or report text.
public enum ResultRow: Sendable, Hashable, Codable {
    case study(StudyRow)
    case reportLabel(ReportLabelRow)
    case bagScore(BagScoreRow)
    case imageScore(ImageScoreRow)
    case box(BoxRow)
    case mask(MaskRow)
    case feature(FeatureRow)
    case picture(PictureRow)
    case item(ItemRow)
    case evaluation(EvaluationRow)

    /// One examination as its centre's archive holds it.
    public struct StudyRow: Sendable, Hashable, Codable {
        public var centre: String
        public var study: String
        /// HMAC-SHA-256 of centre and patient id under the centre's key, as hex: tells patients apart without naming them.
        public var patientKey: String
        /// `train`, `val` or `test`.
        public var split: String
        public var language: String?
        /// File names within the study, in bag order (by name).
        public var images: [String]
        public var hasReport: Bool
        /// `PathologyClass`, where the centre's table names one.
        public var pathology: String?

        public init(
            centre: String, study: String, patientKey: String, split: String, language: String?, images: [String],
            hasReport: Bool, pathology: String? = nil
        ) {
            self.centre = centre
            self.study = study
            self.patientKey = patientKey
            self.split = split
            self.language = language
            self.images = images
            self.hasReport = hasReport
            self.pathology = pathology
        }
    }

    public struct ReportLabelRow: Sendable, Hashable, Codable {
        public var centre: String
        public var study: String
        /// `yes`, `no` or `uncertain`.
        public var polyp: String
        public var confidence: Double
        /// Findings as JSON (count, sites, size, morphology, evidence as character offsets), without report text.
        public var findings: String
        /// `rules`, `model`, `archive` (a label that the archive brought along).
        public var source: String

        public init(
            centre: String, study: String, polyp: String, confidence: Double, findings: String, source: String
        ) {
            self.centre = centre
            self.study = study
            self.polyp = polyp
            self.confidence = confidence
            self.findings = findings
            self.source = source
        }
    }

    public struct BagScoreRow: Sendable, Hashable, Codable {
        public var centre: String
        public var study: String
        /// `attention`, `dsmil` or `student` (the maximum over the bag).
        public var head: String
        /// Probability in 0…1.
        public var probability: Double

        public init(centre: String, study: String, head: String, probability: Double) {
            self.centre = centre
            self.study = study
            self.head = head
            self.probability = probability
        }
    }

    public struct ImageScoreRow: Sendable, Hashable, Codable {
        public var centre: String
        public var study: String
        public var image: String
        /// `student` and `dsmil`: probability; `attention`: the raw score; `attentionWeight`: its softmax over the bag.
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

    public struct BoxRow: Sendable, Hashable, Codable {
        public var centre: String
        public var study: String
        public var image: String
        /// Pixels of the stored image, x1 and y1 exclusive; nil when the map has no foreground.
        public var rectangle: Rectangle?
        /// Box area over image area.
        public var areaShare: Double
        public var isKept: Bool
        /// Why it was not kept: `no-foreground`, `too-small`, `too-large`, `touches-border`, `too-many-components`.
        public var rejection: String?

        public init(
            centre: String, study: String, image: String, rectangle: Rectangle?, areaShare: Double, isKept: Bool,
            rejection: String?
        ) {
            self.centre = centre
            self.study = study
            self.image = image
            self.rectangle = rectangle
            self.areaShare = areaShare
            self.isKept = isKept
            self.rejection = rejection
        }

        public struct Rectangle: Sendable, Hashable, Codable {
            public var x0: Int
            public var y0: Int
            public var x1: Int
            public var y1: Int

            public init(x0: Int, y0: Int, x1: Int, y1: Int) {
                self.x0 = x0
                self.y0 = y0
                self.x1 = x1
                self.y1 = y1
            }
        }
    }

    public struct MaskRow: Sendable, Hashable, Codable {
        public var centre: String
        public var study: String
        public var image: String
        /// `cam` (PNG, 8 bit: the map scaled to 0…255), `cam-mask` and `sam-mask` (PNG, 0 or 255), and those of
        /// other stages likewise; `overlay` (PNG to look at) only where it was allowed to leave its centre.
        public var kind: String
        public var content: SHA256Digest

        public init(centre: String, study: String, image: String, kind: String, content: SHA256Digest) {
            self.centre = centre
            self.study = study
            self.image = image
            self.kind = kind
            self.content = content
        }
    }

    /// What an encoder says of a study's images: one content for all of them (`StudyFeatures`).
    public struct FeatureRow: Sendable, Hashable, Codable {
        public var centre: String
        public var study: String
        /// Which encoder, and how images were brought to it: equal for features that may stand for each other.
        public var recipe: String
        public var content: SHA256Digest

        public init(centre: String, study: String, recipe: String, content: SHA256Digest) {
            self.centre = centre
            self.study = study
            self.recipe = recipe
            self.content = content
        }
    }

    /// A picture of a frame that stayed in its centre: what it is called there, and how it is recognised.
    public struct PictureRow: Sendable, Hashable, Codable {
        public var centre: String
        public var study: String
        public var image: String
        /// `overlay`, `toco-overlay`, …
        public var kind: String
        /// Of the PNG, which the ledger does not have.
        public var digest: SHA256Digest

        public init(centre: String, study: String, image: String, kind: String, digest: SHA256Digest) {
            self.centre = centre
            self.study = study
            self.image = image
            self.kind = kind
            self.digest = digest
        }

        public init(_ picture: FramePicture) {
            self.init(
                centre: picture.centre, study: picture.study, image: picture.image, kind: picture.kind,
                digest: SHA256Digest(hashing: picture.data))
        }
    }

    /// What became of one image (or, with `image` nil, of one study) in a stage.
    public struct ItemRow: Sendable, Hashable, Codable {
        public var centre: String
        public var study: String
        public var image: String?
        /// `failed`, `skipped` or `empty`; items that went well need no row.
        public var status: String
        /// A short stable code, such as `truncated-jpeg`, `empty-bag`, `no-report`.
        public var reason: String
        /// One line for people: file, what is wrong, what to do.
        public var message: String

        public init(centre: String, study: String, image: String?, status: String, reason: String, message: String) {
            self.centre = centre
            self.study = study
            self.image = image
            self.status = status
            self.reason = reason
            self.message = message
        }
    }

    public struct EvaluationRow: Sendable, Hashable, Codable {
        /// The stage whose output was measured: `labels`, `mil-score`, `cam`.
        public var subject: String
        /// SHA-256 of the parameters, where there are any.
        public var model: SHA256Digest?
        /// Split or data set: `test`, `val`.
        public var dataset: String
        /// A centre, or `all`.
        public var centre: String
        /// `report`, `bag`, `image`, `box`, `mask`.
        public var level: String
        /// `attention`, `dsmil`, `student`, or empty.
        public var head: String
        /// `auc`, `average-precision`, `dice`, `iou`, `box-iou`, `box-hit-share`, `accuracy`, …
        public var metric: String
        /// Nil when the metric is not defined on this data; `note` says why.
        public var value: Double?
        /// 95 % confidence interval, where one was computed.
        public var lower: Double?
        public var upper: Double?
        /// How many studies, images or boxes.
        public var count: Int
        public var note: String

        public init(
            subject: String, model: SHA256Digest?, dataset: String, centre: String, level: String, head: String,
            metric: String, value: Double?, lower: Double? = nil, upper: Double? = nil, count: Int, note: String = ""
        ) {
            self.subject = subject
            self.model = model
            self.dataset = dataset
            self.centre = centre
            self.level = level
            self.head = head
            self.metric = metric
            self.value = value
            self.lower = lower
            self.upper = upper
            self.count = count
            self.note = note
        }
    }
}
