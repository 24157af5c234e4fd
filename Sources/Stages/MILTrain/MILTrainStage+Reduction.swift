extension MILTrainStage {
    func rounds(_ settings: MILTrainSettings) -> AveragedRounds {
        AveragedRounds(
            stage: name, rounds: settings.rounds, averaging: settings.averaging,
            selection: settings.select == .best ? "validationAUC" : nil)
    }

    public func reduce(
        round: Int, records: [ShardRecord], settings: StageSettings, view: any PlanningView
    ) throws -> RoundOutcome {
        let settings = try MILTrainSettings(settings, stage: name)
        return try rounds(settings).reduce(round: round, records: records, view: view) { (records: [MILTrainRecord]) in
            let metrics = try MILTrainMetrics(records).values
            return round == 0 ? metrics.merging(TrainedModel.metrics(of: settings)) { first, _ in first } : metrics
        }
    }
}
