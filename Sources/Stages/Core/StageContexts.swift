import Archives
import Digest
import Foundation

/// What the coordinator lets a stage see while it plans and reduces: the job's results so far.
///
/// Every list comes in a fixed order (centre, study, image, head), so that planning is repeatable.
public protocol PlanningView {
    /// The job's seed.
    var seed: UInt64 { get }
    /// Names of the job's centres, sorted.
    var centres: [String] { get }

    func studies() throws -> [ResultRow.StudyRow]
    func reportLabels() throws -> [ResultRow.ReportLabelRow]
    func bagScores() throws -> [ResultRow.BagScoreRow]
    func imageScores() throws -> [ResultRow.ImageScoreRow]
    /// Of all stages before; where several wrote the same key, the latest of the pipeline.
    func boxes() throws -> [ResultRow.BoxRow]
    func masks() throws -> [ResultRow.MaskRow]
    /// Of one stage.
    func boxes(ofStage stage: String) throws -> [ResultRow.BoxRow]
    func masks(ofStage stage: String) throws -> [ResultRow.MaskRow]

    /// The parameters with which `round` of `stage` starts (the outcome of the round before), or, with `round` nil, the
    /// stage's latest. Nil when there are none yet.
    func model(ofStage stage: String, startingRound round: Int?) throws -> SHA256Digest?
    /// The parameters that a stage that only infers ran, or runs: those of its shards' plans (`ShardPlan.model`).
    func modelUsed(byStage stage: String) throws -> SHA256Digest?
    /// The reduction's own state that the round before left (`RoundOutcome.state`).
    func state(ofStage stage: String, startingRound round: Int) throws -> SHA256Digest?
    /// A number of an earlier round of `stage`, as its outcome gave it.
    func metrics(ofStage stage: String, round: Int) throws -> [String: Double]

    /// Stored content by its digest.
    func content(_ digest: SHA256Digest) throws -> Data
    /// Stores content, for shards to name; storing twice is storing once.
    func store(_ content: Data) throws -> SHA256Digest
}

/// What a worker lends to `map`.
public protocol MapContext: Sendable {
    /// The folder of a centre's archive on this host.
    /// - Throws: `StageError.archive` when this worker does not serve the centre.
    func archiveFolder(ofCentre centre: String) throws -> URL

    /// The secret under which a centre's patients become keys. It does not leave the host.
    func centreKey(_ centre: String) throws -> CentreKey

    /// Whether pictures of frames that the job wants in `place` have one; otherwise they need not be drawn.
    func keepsPictures(in place: FramePicture.Place) -> Bool

    /// Content by its digest: fetched from the coordinator once, kept in the worker's bounded cache, verified.
    func content(_ digest: SHA256Digest) throws -> Data

    /// An object made from content and shared by all slots of the process, such as a compiled network. `make` runs once
    /// a key while the object is kept; others wait for it.
    func shared<Object: Sendable>(_ key: String, make: () throws -> Object) throws -> Object

    /// Tells how far the shard is, for heartbeats and `status`.
    func progress(done: Int, of total: Int)

    /// Throws `StageError.cancelled` when the worker lost the shard's lease or was told to stop at once. Long loops ask
    /// at every image or step.
    func checkCancellation() throws
}
