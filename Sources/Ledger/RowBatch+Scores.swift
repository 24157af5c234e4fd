import Digest
import Foundation
import PostgreSQL

extension RowBatch {
    func insertBagScores(_ connection: Connection, _ mode: Mode) throws {
        let owners = Self.owners(bagScores.map(\.owner))
        let keys: [Parameter] = [
            .texts(bagScores.map(\.row.centre)), .texts(bagScores.map(\.row.study)), .texts(bagScores.map(\.row.head)),
        ]
        if mode == .replace {
            try connection.execute(
                """
                DELETE FROM bag_score b USING unnest($1, $2, $3, $4, $5) AS k (job, stage, centre, study, head)
                WHERE b.job = k.job AND b.stage = k.stage AND b.centre = k.centre AND b.study = k.study
                    AND b.head = k.head
                """, owners.dropLast() + keys)
        }
        try connection.execute(
            """
            INSERT INTO bag_score (job, stage, shard, centre, study, head, probability)
            SELECT job, stage, nullif(shard, 0), centre, study, head, probability
            FROM unnest($1, $2, $3, $4, $5, $6, $7) AS n (job, stage, shard, centre, study, head, probability)
            """, owners + keys + [.float8s(bagScores.map(\.row.probability))])
    }

    func insertImageScores(_ connection: Connection, _ mode: Mode) throws {
        let owners = Self.owners(imageScores.map(\.owner))
        let keys: [Parameter] = [
            .texts(imageScores.map(\.row.centre)), .texts(imageScores.map(\.row.study)),
            .texts(imageScores.map(\.row.image)), .texts(imageScores.map(\.row.head)),
        ]
        if mode == .replace {
            try connection.execute(
                """
                DELETE FROM image_score i
                USING unnest($1, $2, $3, $4, $5, $6) AS k (job, stage, centre, study, image, head)
                WHERE i.job = k.job AND i.stage = k.stage AND i.centre = k.centre AND i.study = k.study
                    AND i.image = k.image AND i.head = k.head
                """, owners.dropLast() + keys)
        }
        try connection.execute(
            """
            INSERT INTO image_score (job, stage, shard, centre, study, image, head, score)
            SELECT job, stage, nullif(shard, 0), centre, study, image, head, score
            FROM unnest($1, $2, $3, $4, $5, $6, $7, $8) AS n (job, stage, shard, centre, study, image, head, score)
            """, owners + keys + [.float8s(imageScores.map(\.row.score))])
    }

    /// A model's digest is empty, not NULL, where there was none: NULLs would not be unique.
    func insertEvaluations(_ connection: Connection, _ mode: Mode) throws {
        let owners = Self.owners(evaluations.map(\.owner))
        let keys: [Parameter] = [
            .byteas(evaluations.map { $0.row.model?.bytes ?? [] }), .texts(evaluations.map(\.row.dataSet)),
            .texts(evaluations.map(\.row.centre)), .texts(evaluations.map(\.row.level)),
            .texts(evaluations.map(\.row.metric)), .texts(evaluations.map(\.row.subject)),
            .texts(evaluations.map(\.row.head)),
        ]
        if mode == .replace {
            try connection.execute(
                """
                DELETE FROM evaluation e
                USING unnest($1, $2, $3, $4, $5, $6, $7, $8, $9)
                    AS k (job, stage, model, data_set, centre, level, metric, subject, head)
                WHERE e.job = k.job AND e.stage = k.stage AND e.model = k.model AND e.data_set = k.data_set
                    AND e.centre = k.centre AND e.level = k.level AND e.metric = k.metric
                    AND e.subject = k.subject AND e.head = k.head
                """, owners.dropLast() + keys)
        }
        try connection.execute(
            """
            INSERT INTO evaluation
                (job, stage, shard, model, data_set, centre, level, metric, subject, head, value, lower, upper, count, note)
            SELECT job, stage, nullif(shard, 0), model, data_set, centre, level, metric, subject, head, value, lower,
                upper, count, note
            FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
                AS n (job, stage, shard, model, data_set, centre, level, metric, subject, head, value, lower, upper, count,
                    note)
            """,
            owners + keys + [
                .float8s(evaluations.map(\.row.value)), .float8s(evaluations.map(\.row.lower)),
                .float8s(evaluations.map(\.row.upper)), .int8s(evaluations.map(\.row.count)),
                .texts(evaluations.map { $0.row.note.withoutNul }),
            ])
    }
}
