import Foundation

/// Trains encoder, teachers and student on bags by averaged rounds (docs/Method.md, section 2; `AveragedTraining`); or
/// teachers and student alone, on what a frozen encoder said of the images before.
///
/// Settings: `MILTrainSettings`.
public struct MILTrainStage: Stage {
    public let name = "mil-train"
    private let training = AveragedTraining(MILTraining())

    public init() {}

    public func validate(settings: StageSettings) throws { try training.validate(settings) }

    public let products = [Product(.network, TrainedModel.family)]
    public func needs(settings: StageSettings) throws -> [StageNeed] {
        let needsFeatures = try training.trainer.settings(settings).input == .features
        return [.studies, .labels] + (needsFeatures ? [StageNeed(.features, or: "learn from images (`input: \"images\"`)")] : [])
    }

    public func checkFiles(settings: StageSettings) throws {
        let settings = try training.trainer.settings(settings)
        try WeightsFile.look(at: settings.initialCheckpoint, for: .start(ofMIL: settings.encoder), stage: name)
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
