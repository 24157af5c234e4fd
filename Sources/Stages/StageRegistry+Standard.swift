import Reports

extension StageRegistry {
    /// The stages of the main job, as coordinator and workers know them.
    public static let standard = StageRegistry([
        CatalogueStage(), LabelsStage(extractors: ReportExtractors.make), FeaturesStage(), MILTrainStage(), MILScoreStage(), CAMStage(),
        ToCoTrainStage(), ToCoCAMStage(), SegmentAnythingStage(), SegmentTrainStage(), SegmentStage(), RefineStage(), BiopsyTrainStage(),
        BiopsyStage(), EvaluateStage(),
    ])
}
