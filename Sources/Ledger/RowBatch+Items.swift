import Foundation
import PostgreSQL

extension RowBatch {
    /// Items are merged, never refused: every round of a training reads the same images, and says of a damaged one what the
    /// round before said. The worst status of an item's reason stays, and one message. Whoever comes first, the row is the
    /// same in the end.
    func insertItemStatuses(_ connection: Connection) throws {
        // One statement must not write the same row twice.
        let merged = Self.merging(itemStatuses)
        try connection.execute(
            """
            INSERT INTO item_status AS i (job, stage, shard, centre, study, image, status, reason_code, message)
            SELECT job, stage, nullif(shard, 0), centre, study, image, status, reason, message
            FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9)
                AS n (job, stage, shard, centre, study, image, status, reason, message)
            ORDER BY job, stage, centre, study, image, reason
            ON CONFLICT (job, stage, centre, study, image, reason_code) DO UPDATE SET
                status = CASE WHEN array_position($10, excluded.status) > array_position($10, i.status)
                    THEN excluded.status ELSE i.status END,
                message = least(i.message COLLATE "C", excluded.message COLLATE "C")
            """,
            Self.owners(merged.map(\.owner)) + [
                .texts(merged.map(\.row.centre)), .texts(merged.map(\.row.study)), .texts(merged.map(\.row.image)),
                .texts(merged.map(\.row.status.rawValue)), .texts(merged.map(\.row.reason)),
                .texts(merged.map(\.row.message)), .texts(ItemStatusRow.Status.fromBestToWorst.map(\.rawValue)),
            ])
    }

    private struct ItemKey: Hashable {
        var job: JobID
        var stage: String
        var names: [String]
    }

    /// One row of each item and reason. What one shard says of it in several messages is kept in one.
    private static func merging(
        _ items: [(owner: RowOwner, row: ItemStatusRow)]
    ) -> [(owner: RowOwner, row: ItemStatusRow)] {
        var places: [ItemKey: Int] = [:]
        var merged: [(owner: RowOwner, row: ItemStatusRow)] = []
        for var item in items {
            item.row.message = bounded(item.row.message)
            let key = ItemKey(
                job: item.owner.job, stage: item.owner.stage,
                names: [item.row.centre, item.row.study, item.row.image, item.row.reason])
            guard let place = places[key] else {
                places[key] = merged.count
                merged.append(item)
                continue
            }
            let (known, isOneVoice) = (merged[place].row, merged[place].owner.shard == item.owner.shard)
            merged[place].row.status = known.status.isWorse(than: item.row.status) ? known.status : item.row.status
            if !isOneVoice {
                merged[place].row.message =
                    known.message.utf8.lexicographicallyPrecedes(item.row.message.utf8)
                    ? known.message : item.row.message
            } else if !known.message.components(separatedBy: "; ").contains(item.row.message) {
                merged[place].row.message = bounded(known.message + "; " + item.row.message)
            }
        }
        return merged
    }

    private static func bounded(_ message: String) -> String { String(message.withoutNul.prefix(2000)) }
}

extension ItemStatusRow.Status {
    static let fromBestToWorst: [Self] = [.done, .skipped, .empty, .failed]

    func isWorse(than other: Self) -> Bool {
        (Self.fromBestToWorst.firstIndex(of: self) ?? 0) > (Self.fromBestToWorst.firstIndex(of: other) ?? 0)
    }
}
