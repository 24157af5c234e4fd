import Digest
import Foundation
import PostgreSQL

extension RowBatch {
    func insertPictures(_ connection: Connection, _ mode: Mode) throws {
        let owners = Self.owners(pictures.map(\.owner))
        let keys: [Parameter] = [
            .texts(pictures.map(\.row.centre)), .texts(pictures.map(\.row.study)), .texts(pictures.map(\.row.image)),
            .texts(pictures.map(\.row.kind)),
        ]
        if mode == .replace {
            try connection.execute(
                """
                DELETE FROM picture p USING unnest($1, $2, $3, $4, $5, $6) AS k (job, stage, centre, study, image, kind)
                WHERE p.job = k.job AND p.stage = k.stage AND p.centre = k.centre AND p.study = k.study
                    AND p.image = k.image AND p.kind = k.kind
                """, owners.dropLast() + keys)
        }
        try connection.execute(
            """
            INSERT INTO picture (job, stage, shard, centre, study, image, kind, digest)
            SELECT job, stage, nullif(shard, 0), centre, study, image, kind, digest
            FROM unnest($1, $2, $3, $4, $5, $6, $7, $8) AS n (job, stage, shard, centre, study, image, kind, digest)
            """, owners + keys + [.byteas(pictures.map(\.row.digest.bytes))])
    }
}
