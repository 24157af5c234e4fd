import Digest
import Foundation
import PostgreSQL

extension RowBatch {
    func insertBoxes(_ connection: Connection, _ mode: Mode) throws {
        let owners = Self.owners(boxes.map(\.owner))
        let keys: [Parameter] = [
            .texts(boxes.map(\.row.centre)), .texts(boxes.map(\.row.study)), .texts(boxes.map(\.row.image)),
        ]
        if mode == .replace {
            try connection.execute(
                """
                DELETE FROM box b USING unnest($1, $2, $3, $4, $5) AS k (job, stage, centre, study, image)
                WHERE b.job = k.job AND b.stage = k.stage AND b.centre = k.centre AND b.study = k.study
                    AND b.image = k.image
                """, owners.dropLast() + keys)
        }
        try connection.execute(
            """
            INSERT INTO box (job, stage, shard, centre, study, image, x0, y0, x1, y1, area_fraction, kept, reason)
            SELECT job, stage, nullif(shard, 0), centre, study, image, x0, y0, x1, y1, area_fraction, kept, reason
            FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
                AS n (job, stage, shard, centre, study, image, x0, y0, x1, y1, area_fraction, kept, reason)
            """,
            owners + keys + [
                .float8s(boxes.map(\.row.x0)), .float8s(boxes.map(\.row.y0)), .float8s(boxes.map(\.row.x1)),
                .float8s(boxes.map(\.row.y1)), .float8s(boxes.map(\.row.areaFraction)), .bools(boxes.map(\.row.kept)),
                .texts(boxes.map(\.row.reason)),
            ])
    }

    func insertMasks(_ connection: Connection, _ mode: Mode) throws {
        let owners = Self.owners(masks.map(\.owner))
        let keys: [Parameter] = [
            .texts(masks.map(\.row.centre)), .texts(masks.map(\.row.study)), .texts(masks.map(\.row.image)),
            .texts(masks.map(\.row.kind)),
        ]
        if mode == .replace {
            try connection.execute(
                """
                DELETE FROM mask m USING unnest($1, $2, $3, $4, $5, $6) AS k (job, stage, centre, study, image, kind)
                WHERE m.job = k.job AND m.stage = k.stage AND m.centre = k.centre AND m.study = k.study
                    AND m.image = k.image AND m.kind = k.kind
                """, owners.dropLast() + keys)
        }
        try connection.execute(
            """
            INSERT INTO mask (job, stage, shard, centre, study, image, kind, digest)
            SELECT job, stage, nullif(shard, 0), centre, study, image, kind, digest
            FROM unnest($1, $2, $3, $4, $5, $6, $7, $8) AS n (job, stage, shard, centre, study, image, kind, digest)
            """, owners + keys + [.byteas(masks.map(\.row.blob.bytes))])
    }
}
