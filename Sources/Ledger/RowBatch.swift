import Foundation
import PostgreSQL

/// Result rows on their way into their tables, sorted by kind so that each kind is one statement.
struct RowBatch {
    /// What a row does that is there already.
    enum Mode {
        /// Breaks the batch: a shard that was accepted once cannot have written it. (Items are merged in both modes.)
        case strict
        /// Makes way: a reduce that is repeated after a crash writes the same rows again.
        case replace
    }

    private(set) var reportLabels: [(owner: RowOwner, row: ReportLabelRow)] = []
    private(set) var bagScores: [(owner: RowOwner, row: BagScoreRow)] = []
    private(set) var imageScores: [(owner: RowOwner, row: ImageScoreRow)] = []
    private(set) var boxes: [(owner: RowOwner, row: BoxRow)] = []
    private(set) var masks: [(owner: RowOwner, row: MaskRow)] = []
    private(set) var features: [(owner: RowOwner, row: FeatureRow)] = []
    private(set) var pictures: [(owner: RowOwner, row: PictureRow)] = []
    private(set) var itemStatuses: [(owner: RowOwner, row: ItemStatusRow)] = []
    private(set) var studies: [(owner: RowOwner, row: StudyRow)] = []
    private(set) var evaluations: [(owner: RowOwner, row: EvaluationRow)] = []
    private(set) var events: [(owner: RowOwner, row: EventRow)] = []

    mutating func append(_ row: ResultRow, of owner: RowOwner) {
        switch row {
        case .reportLabel(let row): reportLabels.append((owner, row))
        case .bagScore(let row): bagScores.append((owner, row))
        case .imageScore(let row): imageScores.append((owner, row))
        case .box(let row): boxes.append((owner, row))
        case .mask(let row): masks.append((owner, row))
        case .feature(let row): features.append((owner, row))
        case .picture(let row): pictures.append((owner, row))
        case .itemStatus(let row): itemStatuses.append((owner, row))
        case .study(let row): studies.append((owner, row))
        case .evaluation(let row): evaluations.append((owner, row))
        case .event(let row): events.append((owner, row))
        }
    }

    func insert(into connection: Connection, _ term: LeaderTerm, mode: Mode) throws {
        if !studies.isEmpty { try insertStudies(connection, mode) }
        if !reportLabels.isEmpty { try insertReportLabels(connection, mode) }
        if !bagScores.isEmpty { try insertBagScores(connection, mode) }
        if !imageScores.isEmpty { try insertImageScores(connection, mode) }
        if !boxes.isEmpty { try insertBoxes(connection, mode) }
        if !masks.isEmpty { try insertMasks(connection, mode) }
        if !features.isEmpty { try insertFeatures(connection, mode) }
        if !pictures.isEmpty { try insertPictures(connection, mode) }
        if !itemStatuses.isEmpty { try insertItemStatuses(connection) }
        if !evaluations.isEmpty { try insertEvaluations(connection, mode) }
        if !events.isEmpty { try insertEvents(connection, term) }
    }

    /// The first parameters of every statement here: job, stage and shard of each row.
    static func owners(_ owners: [RowOwner]) -> [Parameter] {
        // A shard's number is never 0: 0 stands for "no shard" and becomes NULL in the statement.
        [
            .int8s(owners.map(\.job.rawValue)), .texts(owners.map(\.stage)),
            .int8s(owners.map { $0.shard?.rawValue ?? 0 }),
        ]
    }

    private func insertEvents(_ connection: Connection, _ term: LeaderTerm) throws {
        try connection.execute(
            """
            INSERT INTO event (job, stage, epoch, actor, kind, message)
            SELECT job, stage, $4, CASE WHEN shard = 0 THEN $5 ELSE 'shard ' || shard END, kind, message
            FROM unnest($1, $2, $3, $6, $7) AS n (job, stage, shard, kind, message)
            """,
            Self.owners(events.map(\.owner)) + [
                .int8(term.epoch), .text(term.holder), .texts(events.map(\.row.kind.withoutNul)),
                .texts(events.map(\.row.message.withoutNul)),
            ])
    }
}
