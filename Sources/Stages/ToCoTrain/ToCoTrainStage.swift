import Foundation
import Models

/// Trains ToCo on labels of single images by averaged rounds (docs/Method.md, section 3; `AveragedTraining`).
///
/// Labels come from `mil-score`; validation shards set the round's starting parameters against the reports of validation
/// studies: the highest probability of a study's images is its own. Settings: `ToCoTrainSettings`.
public struct ToCoTrainStage: Stage {
    public let name = "toco-train"
    private let training = AveragedTraining(ToCoTraining())

    public init() {}

    public func validate(settings: StageSettings) throws { try training.validate(settings) }

    public let products = [Product(.network, TrainedToCo.family)]
    public func needs(settings: StageSettings) throws -> [StageNeed] { [.studies, .labels, StageNeed(.studentScores)] }

    public func checkFiles(settings: StageSettings) throws {
        let settings = try training.trainer.settings(settings)
        try WeightsFile.look(at: settings.initialCheckpoint, for: .start(ofToCo: settings.configuration.encoder.width), stage: name)
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
