import Digest
import Foundation
import PostgreSQL

/// Some studies of one centre, whose rows are wanted.
public struct StudySelection: Sendable, Hashable {
    public var centre: String
    public var studies: [String]

    public init(centre: String, studies: [String]) {
        self.centre = centre
        self.studies = studies
    }
}

extension StudySelection? {
    /// The two parameters of `$n IS NULL OR centre = $n AND study = ANY ($n+1)`.
    var parameters: [Parameter] { [.text(self?.centre), .texts(self?.studies ?? [])] }
}

/// What a stage's plan and reduce read: results in a fixed order, whoever computed them and when. Rows of one step are given
/// of all studies, or of a selection, which an index finds.
extension Ledger {
    /// The job's studies with their bags, by centre and study; images in the archive's order.
    public func studies(job: JobID) throws -> [StudyRow] {
        try read { connection in
            try connection.execute(
                """
                SELECT s.centre, s.study, s.patient, s.split, s.language, s.pathology, coalesce(i.images, '{}'), s.has_report
                FROM study s LEFT JOIN (
                    SELECT centre, study, array_agg(image ORDER BY ordinal) AS images FROM image WHERE job = $1
                    GROUP BY centre, study
                ) i USING (centre, study)
                WHERE s.job = $1 ORDER BY s.centre, s.study
                """, [.int8(job.rawValue)]
            ).map { row in
                StudyRow(
                    centre: try row.text(0), study: try row.text(1), patient: try row.text(2), split: try row.text(3),
                    language: try row.text(4), images: try row.texts(6), pathology: try row.optionalText(5),
                    hasReport: try row.bool(7))
            }
        }
    }

    /// What the reports say; of one stage, or of all.
    public func reportLabels(job: JobID, stage: String? = nil) throws -> [ReportLabelRow] {
        try read { connection in
            try connection.execute(
                """
                SELECT centre, study, polyp, confidence, findings, source FROM report_label
                WHERE job = $1 AND ($2 IS NULL OR stage = $2) ORDER BY centre, study, stage
                """, [.int8(job.rawValue), .text(stage)]
            ).map { row in
                ReportLabelRow(
                    centre: try row.text(0), study: try row.text(1),
                    polyp: ReportLabelRow.Polyp(rawValue: try row.text(2)) ?? .uncertain, confidence: try row.double(3),
                    findings: try row.data(4), source: try row.text(5))
            }
        }
    }

    public func bagScores(job: JobID, stage: String, of selection: StudySelection? = nil) throws -> [BagScoreRow] {
        try read { connection in
            try connection.execute(
                """
                SELECT centre, study, head, probability FROM bag_score
                WHERE job = $1 AND stage = $2 AND ($3 IS NULL OR centre = $3 AND study = ANY ($4))
                ORDER BY centre, study, head
                """, [.int8(job.rawValue), .text(stage)] + selection.parameters
            ).map { row in
                BagScoreRow(
                    centre: try row.text(0), study: try row.text(1), head: try row.text(2), probability: try row.double(3))
            }
        }
    }

    /// Image scores of a stage; of one head, or of all.
    public func imageScores(
        job: JobID, stage: String, head: String? = nil, of selection: StudySelection? = nil
    ) throws -> [ImageScoreRow] {
        try read { connection in
            try connection.execute(
                """
                SELECT centre, study, image, head, score FROM image_score
                WHERE job = $1 AND stage = $2 AND ($3 IS NULL OR centre = $3 AND study = ANY ($4))
                    AND ($5 IS NULL OR head = $5)
                ORDER BY centre, study, image, head
                """, [.int8(job.rawValue), .text(stage)] + selection.parameters + [.text(head)]
            ).map { row in
                ImageScoreRow(
                    centre: try row.text(0), study: try row.text(1), image: try row.text(2), head: try row.text(3),
                    score: try row.double(4))
            }
        }
    }

    public func boxes(job: JobID, stage: String, of selection: StudySelection? = nil) throws -> [BoxRow] {
        try read { connection in
            try connection.execute(
                """
                SELECT centre, study, image, x0, y0, x1, y1, area_fraction, kept, reason FROM box
                WHERE job = $1 AND stage = $2 AND ($3 IS NULL OR centre = $3 AND study = ANY ($4))
                ORDER BY centre, study, image
                """, [.int8(job.rawValue), .text(stage)] + selection.parameters
            ).map { row in
                BoxRow(
                    centre: try row.text(0), study: try row.text(1), image: try row.text(2), x0: try row.double(3),
                    y0: try row.double(4), x1: try row.double(5), y1: try row.double(6), areaFraction: try row.double(7),
                    kept: try row.bool(8), reason: try row.text(9))
            }
        }
    }

    public func masks(job: JobID, stage: String, of selection: StudySelection? = nil) throws -> [MaskRow] {
        try read { connection in
            try connection.execute(
                """
                SELECT centre, study, image, kind, digest FROM mask
                WHERE job = $1 AND stage = $2 AND ($3 IS NULL OR centre = $3 AND study = ANY ($4))
                ORDER BY centre, study, image, kind
                """, [.int8(job.rawValue), .text(stage)] + selection.parameters
            ).map { row in
                MaskRow(
                    centre: try row.text(0), study: try row.text(1), image: try row.text(2), kind: try row.text(3),
                    blob: try Self.digest(row.bytes(4)))
            }
        }
    }

    /// Pictures of frames that stayed in their centres.
    public func pictures(job: JobID, stage: String) throws -> [PictureRow] {
        try read { connection in
            try connection.execute(
                """
                SELECT centre, study, image, kind, digest FROM picture
                WHERE job = $1 AND stage = $2 ORDER BY centre, study, image, kind
                """, [.int8(job.rawValue), .text(stage)]
            ).map { row in
                PictureRow(
                    centre: try row.text(0), study: try row.text(1), image: try row.text(2), kind: try row.text(3),
                    digest: try Self.digest(row.bytes(4)))
            }
        }
    }

    public func itemStatuses(job: JobID, stage: String) throws -> [ItemStatusRow] {
        try read { connection in
            try connection.execute(
                """
                SELECT centre, study, image, status, reason_code, message FROM item_status
                WHERE job = $1 AND stage = $2 ORDER BY centre, study, image, reason_code
                """, [.int8(job.rawValue), .text(stage)]
            ).map { row in
                ItemStatusRow(
                    centre: try row.text(0), study: try row.text(1), image: try row.text(2),
                    status: ItemStatusRow.Status(rawValue: try row.text(3)) ?? .failed, reason: try row.text(4),
                    message: try row.text(5))
            }
        }
    }

    /// Evaluations with their stage; of one stage, or of all.
    public func evaluations(job: JobID, stage: String? = nil) throws -> [(stage: String, row: EvaluationRow)] {
        try read { connection in
            try connection.execute(
                """
                SELECT stage, model, data_set, centre, level, metric, value, lower, upper, count, subject, head, note
                FROM evaluation WHERE job = $1 AND ($2 IS NULL OR stage = $2)
                ORDER BY stage, subject, data_set, level, head, metric, centre, model
                """, [.int8(job.rawValue), .text(stage)]
            ).map { row in
                let evaluation = EvaluationRow(
                    subject: try row.text(10), model: SHA256Digest(bytes: try row.bytes(1)), dataSet: try row.text(2),
                    centre: try row.text(3), level: try row.text(4), head: try row.text(11), metric: try row.text(5),
                    value: try row.optionalDouble(6), lower: try row.optionalDouble(7),
                    upper: try row.optionalDouble(8), count: try row.int64(9), note: try row.text(12))
                return (try row.text(0), evaluation)
            }
        }
    }

    /// The committed results of a round's shards, by key.
    public func shardRecords(job: JobID, stage: String, round: Int32) throws -> [ShardRecord] {
        try read { connection in
            try connection.execute(
                """
                SELECT s.id, s.key, s.centre, r.worker, r.attempt, r.record,
                    ARRAY(SELECT digest FROM shard_blob b WHERE b.shard = s.id AND b.role = 'output' ORDER BY ordinal)
                FROM shard s JOIN shard_result r ON r.shard = s.id
                WHERE s.job = $1 AND s.stage = $2 AND s.round = $3 ORDER BY s.key
                """, [.int8(job.rawValue), .text(stage), .int4(round)]
            ).map { row in
                ShardRecord(
                    shard: ShardID(try row.int64(0)), key: try row.text(1), centre: try row.text(2),
                    worker: try row.text(3), fence: try row.int32(4), record: try row.data(5),
                    blobs: try row.byteas(6).map(Self.digest))
            }
        }
    }

    static func digest(_ bytes: [UInt8]) throws -> SHA256Digest {
        guard let digest = SHA256Digest(bytes: bytes) else {
            throw LedgerError(.database, "a digest of \(bytes.count) bytes in the ledger")
        }
        return digest
    }
}
