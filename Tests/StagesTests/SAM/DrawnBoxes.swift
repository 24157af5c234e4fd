import Stages

/// Stands for `cam` where a test says itself which boxes were drawn and kept.
struct DrawnBoxes: Stage {
    let name = "cam"
    let products = CAMStage().products
    let localiser = CAMStage().localiser
    var rows: [ResultRow.BoxRow]

    func plan(round: Int, settings: StageSettings, view: any PlanningView) -> [ShardPlan] { [] }
    func map(_ shard: ShardInput, context: any MapContext) -> ShardOutput { ShardOutput() }

    func reduce(
        round: Int, records: [ShardRecord], settings: StageSettings, view: any PlanningView
    ) -> RoundOutcome {
        RoundOutcome(rows: rows.map(ResultRow.box), metrics: ["images": Double(rows.count)])
    }

    /// A box on image 02 of a study, whose centre has the study's first letter.
    static func box(
        _ study: String, _ x0: Int, _ y0: Int, _ x1: Int, _ y1: Int, rejection: String? = nil
    ) -> ResultRow.BoxRow {
        ResultRow.BoxRow(
            centre: study.hasPrefix("E") ? "east" : "west", study: study, image: "02.png",
            rectangle: .init(x0: x0, y0: y0, x1: x1, y1: y1), areaShare: Double((x1 - x0) * (y1 - y0)) / 4096,
            isKept: rejection == nil, rejection: rejection)
    }

    /// Of a map without foreground.
    static func none(_ study: String) -> ResultRow.BoxRow {
        var row = box(study, 0, 0, 0, 0, rejection: "no-foreground")
        row.rectangle = nil
        return row
    }
}
