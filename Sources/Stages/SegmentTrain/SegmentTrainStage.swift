import Foundation

/// Trains a segmentation network by averaged rounds (docs/Method.md, section 5; `AveragedTraining`); validation shards measure the round's
/// starting parameters by their Dice. Settings: `SegmentTrainSettings`.
public struct SegmentTrainStage: Stage {
    public let name = "segment-train"
    private let training = AveragedTraining(SegmentTraining())

    public init() {}

    public func validate(settings: StageSettings) throws { try training.validate(settings) }

    public let products = [Product(.network, TrainedSegmenter.family)]

    public func needs(settings: StageSettings) throws -> [StageNeed] {
        let settings = try training.trainer.settings(settings)
        let masks = settings.labels.product.map { [StageNeed($0, takesAnyFamily: true, or: "learn from other `labels`")] }
        return [.studies] + (masks ?? []) + (masks == nil || settings.negativeShare > 0 ? [.labels] : [])
    }

    public func checkFiles(settings: StageSettings) throws {
        let settings = try training.trainer.settings(settings)
        try WeightsFile.look(at: settings.initialCheckpoint, for: .start(of: settings.kind), stage: name)
    }

    public func missingReplicas(settings: StageSettings) throws -> MissingReplicas? { try training.missingReplicas(settings) }

    public func roundCount(settings: StageSettings) throws -> Int { try training.roundCount(settings) }

    public func plan(round: Int, settings: StageSettings, view: any PlanningView) throws -> [ShardPlan] {
        try training.plan(round: round, settings: settings, view: view)
    }

    public func map(_ shard: ShardInput, context: any MapContext) throws -> ShardOutput {
        try training.map(shard, context: context)
    }

    public func reduce(
        round: Int, records: [ShardRecord], settings: StageSettings, view: any PlanningView
    ) throws -> RoundOutcome {
        try training.reduce(round: round, records: records, settings: settings, view: view)
    }
}
