import Foundation
import Ledger

// `Ledger.X` would mean a member of the class Ledger: these names tell the two rooms' types apart elsewhere.
package typealias LedgerRow = ResultRow
package typealias LedgerHeartbeat = Heartbeat
package typealias LedgerShardRecord = ShardRecord
package typealias LedgerBoxRow = BoxRow
package typealias LedgerMaskRow = MaskRow
package typealias LedgerFeatureRow = FeatureRow
package typealias LedgerPictureRow = PictureRow
package typealias LedgerStudyRow = StudyRow
package typealias LedgerReportLabelRow = ReportLabelRow
package typealias LedgerBagScoreRow = BagScoreRow
package typealias LedgerImageScoreRow = ImageScoreRow
package typealias LedgerItemStatusRow = ItemStatusRow
package typealias LedgerEvaluationRow = EvaluationRow
package typealias LedgerContribution = Contribution
