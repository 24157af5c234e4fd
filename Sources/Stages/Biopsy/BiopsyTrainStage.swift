import Foundation
import Models

/// Fine-tunes an encoder on a little pathology by averaged rounds (docs/Method.md, section 7; `AveragedTraining`); validation shards
/// measure the round's starting parameters by their area over studies. Settings: `BiopsyTrainSettings`.
public struct BiopsyTrainStage: Stage {
    public let name = "biopsy-train"
    private let training = AveragedTraining(BiopsyTraining())

    /// By which steps find what it leaves.
    static let family = "biopsy"

    public init() {}

    public func validate(settings: StageSettings) throws { try training.validate(settings) }

    public let products = [Product(.network, family)]

    public func needs(settings: StageSettings) throws -> [StageNeed] {
        let settings = try training.trainer.settings(settings)
        return [.studies] + settings.images.needs
            + (settings.start == .mil
                ? [StageNeed(Product(.network, TrainedModel.family), or: "start otherwise (`start: \"file\"` or `\"random\"`)")] : [])
    }

    public func checkFiles(settings: StageSettings) throws {
        let settings = try training.trainer.settings(settings)
        try WeightsFile.look(
            at: settings.initialCheckpoint, for: .start(ofBiopsy: settings.encoder ?? .resNet18), stage: name)
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
