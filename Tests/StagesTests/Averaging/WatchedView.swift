import Digest
import Foundation
import Stages
import Synchronization

/// A ledger in memory that remembers what was read of its contents, and may hand on a state.
final class WatchedView: PlanningView {
    let ledger: MemoryLedger
    private let given: SHA256Digest?
    private let reads = Mutex<(whole: [SHA256Digest], parts: [(SHA256Digest, Range<Int>)])>(([], []))

    init(_ ledger: MemoryLedger, state: SHA256Digest? = nil) { (self.ledger, given) = (ledger, state) }

    var wholes: [SHA256Digest] { reads.withLock(\.whole) }
    var parts: [(digest: SHA256Digest, bytes: Range<Int>)] { reads.withLock { $0.parts.map { (digest: $0.0, bytes: $0.1) } } }

    func content(_ digest: SHA256Digest) throws -> Data {
        reads.withLock { $0.whole.append(digest) }
        return try ledger.content(digest)
    }

    func content(_ digest: SHA256Digest, bytes: Range<Int>) throws -> Data {
        reads.withLock { $0.parts.append((digest, bytes)) }
        return try ledger.content(digest).subdata(in: bytes)
    }

    func store(_ content: Data) throws -> SHA256Digest { try ledger.store(content) }

    func state(ofStep step: String, startingRound round: Int) -> SHA256Digest? {
        given ?? ledger.state(ofStep: step, startingRound: round)
    }

    var seed: UInt64 { ledger.seed }
    var centres: [String] { ledger.centres }
    var step: StepOutline { ledger.step }
    var sources: StepSources { ledger.sources }
    func features(ofStep step: String) -> [ResultRow.FeatureRow] { ledger.features(ofStep: step) }
    func features(ofRecipe recipe: String) -> [ResultRow.FeatureRow] { ledger.features(ofRecipe: recipe) }
    func bagScores(ofStep step: String, in part: StudyPart?) -> [ResultRow.BagScoreRow] { ledger.bagScores(ofStep: step, in: part) }
    func imageScores(ofStep step: String, in part: StudyPart?) -> [ResultRow.ImageScoreRow] { ledger.imageScores(ofStep: step, in: part) }
    func studies() -> [ResultRow.StudyRow] { ledger.studies() }
    func reportLabels() -> [ResultRow.ReportLabelRow] { ledger.reportLabels() }
    func bagScores() -> [ResultRow.BagScoreRow] { ledger.bagScores() }
    func imageScores() -> [ResultRow.ImageScoreRow] { ledger.imageScores() }
    func boxes() -> [ResultRow.BoxRow] { ledger.boxes() }
    func masks() -> [ResultRow.MaskRow] { ledger.masks() }
    func boxes(ofStep step: String, in part: StudyPart?) -> [ResultRow.BoxRow] { ledger.boxes(ofStep: step, in: part) }
    func masks(ofStep step: String, in part: StudyPart?) -> [ResultRow.MaskRow] { ledger.masks(ofStep: step, in: part) }
    func model(ofStep step: String, startingRound round: Int?) -> SHA256Digest? {
        ledger.model(ofStep: step, startingRound: round)
    }
    func modelUsed(byStep step: String) -> SHA256Digest? { ledger.modelUsed(byStep: step) }
    func metrics(ofStep step: String, round: Int) -> [String: Double] { ledger.metrics(ofStep: step, round: round) }
}
