import Foundation
import PostgreSQL

extension RowBatch {
    /// Studies belong to the job, not to the stage that listed them; each image of a bag is a row behind its study.
    func insertStudies(_ connection: Connection, _ mode: Mode) throws {
        let jobs = Parameter.int8s(studies.map(\.owner.job.rawValue))
        let centres = Parameter.texts(studies.map(\.row.centre))
        let names = Parameter.texts(studies.map(\.row.study))
        if mode == .replace {
            try connection.execute(
                """
                DELETE FROM study USING unnest($1, $2, $3) AS k (job, centre, study)
                WHERE study.job = k.job AND study.centre = k.centre AND study.study = k.study
                """, [jobs, centres, names])
        }
        try connection.execute(
            "INSERT INTO centre SELECT DISTINCT * FROM unnest($1, $2) ON CONFLICT DO NOTHING", [jobs, centres])
        try connection.execute(
            """
            INSERT INTO study (job, centre, study, patient, split, language, pathology, has_report)
            SELECT * FROM unnest($1, $2, $3, $4, $5, $6, $7, $8)
            """,
            [
                jobs, centres, names, .texts(studies.map(\.row.patient)), .texts(studies.map(\.row.split)),
                .texts(studies.map(\.row.language)), .texts(studies.map(\.row.pathology)),
                .bools(studies.map(\.row.hasReport)),
            ])
        let images = studies.flatMap { entry in
            entry.row.images.enumerated().map { (entry: entry, ordinal: Int32($0.offset), image: $0.element) }
        }
        guard !images.isEmpty else { return }
        try connection.execute(
            "INSERT INTO image (job, centre, study, image, ordinal) SELECT * FROM unnest($1, $2, $3, $4, $5)",
            [
                .int8s(images.map(\.entry.owner.job.rawValue)), .texts(images.map(\.entry.row.centre)),
                .texts(images.map(\.entry.row.study)), .texts(images.map(\.image)), .int4s(images.map(\.ordinal)),
            ])
    }

    func insertReportLabels(_ connection: Connection, _ mode: Mode) throws {
        let owners = Self.owners(reportLabels.map(\.owner))
        let keys: [Parameter] = [.texts(reportLabels.map(\.row.centre)), .texts(reportLabels.map(\.row.study))]
        if mode == .replace {
            try connection.execute(
                """
                DELETE FROM report_label r USING unnest($1, $2, $3, $4) AS k (job, stage, centre, study)
                WHERE r.job = k.job AND r.stage = k.stage AND r.centre = k.centre AND r.study = k.study
                """, owners.dropLast() + keys)
        }
        try connection.execute(
            """
            INSERT INTO report_label (job, stage, shard, centre, study, polyp, confidence, findings, source)
            SELECT job, stage, nullif(shard, 0), centre, study, polyp, confidence, findings, source
            FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9)
                AS n (job, stage, shard, centre, study, polyp, confidence, findings, source)
            """,
            owners + keys + [
                .texts(reportLabels.map(\.row.polyp.rawValue)), .float8s(reportLabels.map(\.row.confidence)),
                .jsons(reportLabels.map(\.row.findings)), .texts(reportLabels.map(\.row.source)),
            ])
    }
}
