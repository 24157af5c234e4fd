import Digest
import Foundation
import Ledger
import Stages

/// A stage's rows as the ledger keeps them, and back.
extension LedgerRow {
    /// - Throws: `ClusterError.invalid` for a value that the ledger has no place for, `StageError.numeric` for a number that
    ///   is none.
    package init(_ row: Stages.ResultRow) throws {
        try row.requireNumbers()
        switch row {
        case .study(let row):
            self = .study(
                LedgerStudyRow(
                    centre: row.centre, study: row.study, patient: row.patientKey, split: row.split,
                    language: row.language ?? "", images: row.images, pathology: row.pathology, hasReport: row.hasReport))
        case .reportLabel(let row):
            guard let polyp = LedgerReportLabelRow.Polyp(rawValue: row.polyp) else {
                throw ClusterError(.invalid, "study \(row.study): `\(row.polyp)` is not a label; yes, no or uncertain are")
            }
            self = .reportLabel(
                LedgerReportLabelRow(
                    centre: row.centre, study: row.study, polyp: polyp, confidence: row.confidence,
                    findings: Data(row.findings.utf8), source: row.source))
        case .bagScore(let row):
            self = .bagScore(
                LedgerBagScoreRow(centre: row.centre, study: row.study, head: row.head, probability: row.probability))
        case .imageScore(let row):
            self = .imageScore(
                LedgerImageScoreRow(
                    centre: row.centre, study: row.study, image: row.image, head: row.head, score: row.score))
        case .box(let row):
            // A map without foreground has no rectangle: an empty one stands for it.
            let rectangle = row.rectangle ?? Stages.ResultRow.BoxRow.Rectangle(x0: 0, y0: 0, x1: 0, y1: 0)
            self = .box(
                LedgerBoxRow(
                    centre: row.centre, study: row.study, image: row.image, x0: Double(rectangle.x0),
                    y0: Double(rectangle.y0), x1: Double(rectangle.x1), y1: Double(rectangle.y1),
                    areaFraction: row.areaShare, kept: row.isKept, reason: row.rejection ?? ""))
        case .mask(let row):
            self = .mask(
                LedgerMaskRow(
                    centre: row.centre, study: row.study, image: row.image, kind: row.kind, blob: row.content))
        case .feature(let row):
            self = .feature(
                LedgerFeatureRow(centre: row.centre, study: row.study, recipe: row.recipe, blob: row.content))
        case .picture(let row):
            self = .picture(
                LedgerPictureRow(
                    centre: row.centre, study: row.study, image: row.image, kind: row.kind, digest: row.digest))
        case .item(let row):
            guard let status = LedgerItemStatusRow.Status(rawValue: row.status) else {
                throw ClusterError(.invalid, "study \(row.study): `\(row.status)` is not what becomes of an item")
            }
            self = .itemStatus(
                LedgerItemStatusRow(
                    centre: row.centre, study: row.study, image: row.image ?? "", status: status, reason: row.reason,
                    message: row.message))
        case .evaluation(let row):
            self = .evaluation(
                LedgerEvaluationRow(
                    subject: row.subject, model: row.model, dataSet: row.dataset, centre: row.centre, level: row.level,
                    head: row.head, metric: row.metric, value: row.value, lower: row.lower, upper: row.upper,
                    count: Int64(row.count), note: row.note))
        }
    }
}

extension Stages.ResultRow.StudyRow {
    package init(_ row: LedgerStudyRow) {
        self.init(
            centre: row.centre, study: row.study, patientKey: row.patient, split: row.split,
            language: row.language.isEmpty ? nil : row.language, images: row.images, hasReport: row.hasReport,
            pathology: row.pathology)
    }
}

extension Stages.ResultRow.ReportLabelRow {
    package init(_ row: LedgerReportLabelRow) {
        self.init(
            centre: row.centre, study: row.study, polyp: row.polyp.rawValue, confidence: row.confidence,
            findings: String(decoding: row.findings, as: UTF8.self), source: row.source)
    }
}

extension Stages.ResultRow.BagScoreRow {
    package init(_ row: LedgerBagScoreRow) {
        self.init(centre: row.centre, study: row.study, head: row.head, probability: row.probability)
    }
}

extension Stages.ResultRow.ImageScoreRow {
    package init(_ row: LedgerImageScoreRow) {
        self.init(centre: row.centre, study: row.study, image: row.image, head: row.head, score: row.score)
    }
}

extension Stages.ResultRow.BoxRow {
    package init(_ row: LedgerBoxRow) {
        let isEmpty = row.x1 <= row.x0 || row.y1 <= row.y0
        self.init(
            centre: row.centre, study: row.study, image: row.image,
            rectangle: isEmpty
                ? nil : Rectangle(x0: Int(row.x0), y0: Int(row.y0), x1: Int(row.x1), y1: Int(row.y1)),
            areaShare: row.areaFraction, isKept: row.kept, rejection: row.reason.isEmpty ? nil : row.reason)
    }
}

extension Stages.ResultRow.MaskRow {
    package init(_ row: LedgerMaskRow) {
        self.init(centre: row.centre, study: row.study, image: row.image, kind: row.kind, content: row.blob)
    }
}

extension Stages.ResultRow.FeatureRow {
    package init(_ row: LedgerFeatureRow) {
        self.init(centre: row.centre, study: row.study, recipe: row.recipe, content: row.blob)
    }
}
