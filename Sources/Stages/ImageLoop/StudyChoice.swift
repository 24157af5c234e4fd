/// Which studies an image stage looks at: of some splits, and of these all, or those whose report says that there is a polyp.
struct StudyChoice {
    private let wanted: Set<[String]>
    /// In the order of centre and study.
    let studies: [ResultRow.StudyRow]

    init(splits: [String], studies: CAMSettings.Studies, view: any PlanningView) throws {
        let positive = Set(try view.reportLabels().filter { $0.polyp == "yes" }.map { [$0.centre, $0.study] })
        self.studies = try view.studies().filter { study in
            splits.contains(study.split) && (studies == .all || positive.contains([study.centre, study.study]))
        }
        wanted = Set(self.studies.map { [$0.centre, $0.study] })
    }

    func contains(_ centre: String, _ study: String) -> Bool { wanted.contains([centre, study]) }
}
