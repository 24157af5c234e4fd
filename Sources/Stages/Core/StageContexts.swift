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
    /// The step that is planned or reduced.
    var step: StepOutline { get }
    /// From which earlier steps it reads.
    var sources: StepSources { get }

    func studies() throws -> [ResultRow.StudyRow]
    func reportLabels() throws -> [ResultRow.ReportLabelRow]
    func bagScores() throws -> [ResultRow.BagScoreRow]
    func imageScores() throws -> [ResultRow.ImageScoreRow]
    /// Of all steps before; where several wrote the same key, the latest of the pipeline.
    func boxes() throws -> [ResultRow.BoxRow]
    func masks() throws -> [ResultRow.MaskRow]
    /// Of one step; of all studies, or of a part of them.
    func bagScores(ofStep step: String, in part: StudyPart?) throws -> [ResultRow.BagScoreRow]
    func imageScores(ofStep step: String, in part: StudyPart?) throws -> [ResultRow.ImageScoreRow]
    func boxes(ofStep step: String, in part: StudyPart?) throws -> [ResultRow.BoxRow]
    func masks(ofStep step: String, in part: StudyPart?) throws -> [ResultRow.MaskRow]
    func features(ofStep step: String) throws -> [ResultRow.FeatureRow]
    /// Of any job and step that made them by this recipe, the latest of each study: they need not be made again.
    func features(ofRecipe recipe: String) throws -> [ResultRow.FeatureRow]

    /// The parameters with which `round` of a step starts (the outcome of the round before), or, with `round` nil, the
    /// step's latest. Nil when there are none yet.
    func model(ofStep step: String, startingRound round: Int?) throws -> SHA256Digest?
    /// The parameters that a step that only infers ran, or runs: those of its shards' plans (`ShardPlan.model`).
    func modelUsed(byStep step: String) throws -> SHA256Digest?
    /// The reduction's own state that the round before left (`RoundOutcome.state`).
    func state(ofStep step: String, startingRound round: Int) throws -> SHA256Digest?
    /// A number of an earlier round of a step, as its outcome gave it.
    func metrics(ofStep step: String, round: Int) throws -> [String: Double]

    /// Stored content by its digest.
    func content(_ digest: SHA256Digest) throws -> Data
    /// A part of it, counted from its first byte, so that large content need not be in memory. It is not checked against the
    /// digest: whoever reads all of it first has checked it.
    func content(_ digest: SHA256Digest, bytes: Range<Int>) throws -> Data
    /// Stores content, for shards to name; storing twice is storing once.
    func store(_ content: Data) throws -> SHA256Digest
}

/// Some studies of a centre.
public struct StudyPart: Sendable, Hashable {
    public var centre: String
    public var studies: [String]

    public init(centre: String, studies: [String]) {
        self.centre = centre
        self.studies = studies
    }
}

extension PlanningView {
    public func bagScores(ofStep step: String) throws -> [ResultRow.BagScoreRow] { try bagScores(ofStep: step, in: nil) }
    public func imageScores(ofStep step: String) throws -> [ResultRow.ImageScoreRow] { try imageScores(ofStep: step, in: nil) }
    public func boxes(ofStep step: String) throws -> [ResultRow.BoxRow] { try boxes(ofStep: step, in: nil) }
    public func masks(ofStep step: String) throws -> [ResultRow.MaskRow] { try masks(ofStep: step, in: nil) }

    /// The step from which the current one reads; nil where there is none.
    func source(_ kind: Product.Kind) -> StepOutline? { sources.steps[kind.rawValue]?.last }

    /// The student's scores of images that the step reads.
    /// - Throws: `StageError.missingInput` without any.
    func studentScores(for stage: String, or alternative: String? = nil) throws -> [ResultRow.ImageScoreRow] {
        let rows = try source(.scores).map { try imageScores(ofStep: $0.name) } ?? []
        let scores = rows.filter { $0.head == Product.studentScores.family }
        guard !scores.isEmpty else {
            throw StageError(
                .missingInput,
                "stage \(stage) needs scores of images: put a step that scores them before it" + (alternative.map { ", or \($0)" } ?? ""))
        }
        return scores
    }

    /// Images, by centre, study and name, that the student gives at least this probability; nil at 0: all, scored or not.
    /// - Throws: `StageError.missingInput` without any scores.
    func imagesScored(from probability: Double, for stage: String) throws -> Set<[String]>? {
        guard probability > 0 else { return nil }
        return Set(
            try studentScores(for: stage).filter { $0.score >= probability }.map { [$0.centre, $0.study, $0.image] })
    }

    /// All steps from which it reads under a key of its own.
    func sources(_ key: String) -> [StepOutline] { sources.steps[key] ?? [] }

    public func content(_ digest: SHA256Digest, bytes: Range<Int>) throws -> Data {
        let data = try content(digest)
        guard bytes.lowerBound >= 0, bytes.upperBound <= data.count else {
            throw StageError(.missingInput, "the content \(digest.hex.prefix(12)) ends at byte \(data.count)")
        }
        return data.dropFirst(bytes.lowerBound).prefix(bytes.count)
    }
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
