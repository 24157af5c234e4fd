/// A stage that is an averaged training and nothing else: it says what it needs, what it leaves and which files its settings
/// name, and its training does the work.
package protocol AveragingStage: Stage {
    var work: any AveragedWork { get }
}

/// An `AveragedTraining`, whatever it trains.
package protocol AveragedWork: Sendable {
    func validate(_ settings: StageSettings) throws
    func missingReplicas(_ settings: StageSettings) throws -> MissingReplicas
    func roundCount(_ settings: StageSettings) throws -> Int
    func plan(round: Int, settings: StageSettings, view: any PlanningView) throws -> [ShardPlan]
    func map(_ shard: ShardInput, context: any MapContext) throws -> ShardOutput
    func reduce(
        round: Int, records: [ShardRecord], settings: StageSettings, view: any PlanningView
    ) throws -> RoundOutcome
}

extension AveragingStage {
    package func validate(settings: StageSettings) throws { try work.validate(settings) }

    package func missingReplicas(settings: StageSettings) throws -> MissingReplicas? { try work.missingReplicas(settings) }

    package func roundCount(settings: StageSettings) throws -> Int { try work.roundCount(settings) }

    package func plan(round: Int, settings: StageSettings, view: any PlanningView) throws -> [ShardPlan] {
        try work.plan(round: round, settings: settings, view: view)
    }

    package func map(_ shard: ShardInput, context: any MapContext) throws -> ShardOutput {
        try work.map(shard, context: context)
    }

    package func reduce(
        round: Int, records: [ShardRecord], settings: StageSettings, view: any PlanningView
    ) throws -> RoundOutcome {
        try work.reduce(round: round, records: records, settings: settings, view: view)
    }
}
