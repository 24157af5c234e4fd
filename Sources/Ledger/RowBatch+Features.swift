import Digest
import Foundation
import PostgreSQL

extension RowBatch {
    func insertFeatures(_ connection: Connection, _ mode: Mode) throws {
        let owners = Self.owners(features.map(\.owner))
        let keys: [Parameter] = [.texts(features.map(\.row.centre)), .texts(features.map(\.row.study))]
        if mode == .replace {
            try connection.execute(
                """
                DELETE FROM feature f USING unnest($1, $2, $3, $4) AS k (job, stage, centre, study)
                WHERE f.job = k.job AND f.stage = k.stage AND f.centre = k.centre AND f.study = k.study
                """, owners.dropLast() + keys)
        }
        try connection.execute(
            """
            INSERT INTO feature (job, stage, shard, centre, study, recipe, digest)
            SELECT job, stage, nullif(shard, 0), centre, study, recipe, digest
            FROM unnest($1, $2, $3, $4, $5, $6, $7) AS n (job, stage, shard, centre, study, recipe, digest)
            """, owners + keys + [.texts(features.map(\.row.recipe)), .byteas(features.map(\.row.blob.bytes))])
    }
}

extension Ledger {
    /// Features of a stage's studies, by centre and study.
    public func features(job: JobID, stage: String) throws -> [FeatureRow] {
        try features(
            """
            SELECT centre, study, recipe, digest FROM feature WHERE job = $1 AND stage = $2 ORDER BY centre, study
            """, [.int8(job.rawValue), .text(stage)])
    }

    /// Features that jobs up to this one made by a recipe, each study's latest, by centre and study.
    public func features(recipe: String, centres: [String]) throws -> [FeatureRow] {
        try features(
            """
            SELECT DISTINCT ON (centre, study) centre, study, recipe, digest FROM feature
            WHERE recipe = $1 AND centre = ANY ($2) ORDER BY centre, study, job DESC, shard DESC
            """, [.text(recipe), .texts(centres)])
    }

    private func features(_ query: StaticString, _ parameters: [Parameter]) throws -> [FeatureRow] {
        try read { connection in
            try connection.execute(query, parameters).map { row in
                FeatureRow(
                    centre: try row.text(0), study: try row.text(1), recipe: try row.text(2),
                    blob: try Self.digest(row.bytes(3)))
            }
        }
    }
}
