import Foundation
import Ledger

// `Ledger.X` would mean a member of the class Ledger: these names tell the two rooms' types apart elsewhere.
typealias LedgerRow = ResultRow
typealias LedgerHeartbeat = Heartbeat
typealias LedgerShardRecord = ShardRecord
typealias LedgerBoxRow = BoxRow
typealias LedgerMaskRow = MaskRow
typealias LedgerStudyRow = StudyRow
typealias LedgerReportLabelRow = ReportLabelRow
typealias LedgerBagScoreRow = BagScoreRow
typealias LedgerImageScoreRow = ImageScoreRow
typealias LedgerItemStatusRow = ItemStatusRow
typealias LedgerEvaluationRow = EvaluationRow
typealias LedgerContribution = Contribution
