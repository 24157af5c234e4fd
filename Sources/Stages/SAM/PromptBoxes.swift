/// What planning knows of the prompts, on studies of the splits wanted.
enum PromptBoxes {
    /// Images in the order of centre, study and name, with the box that prompts. The ledger holds one box an image.
    ///
    /// From truth, all images, without a box: the coordinator does not see the archive.
    ///
    /// Throws `StageError.missingInput` when the stage did not run, drew nothing, or none of its boxes may prompt, with
    /// the reasons counted.
    static func chosen(
        _ settings: SegmentAnythingSettings, view: any PlanningView, stage: String
    ) throws -> [ItemOfBox] {
        guard settings.boxes.product != nil else { return try everyImage(settings, view: view, stage: stage) }
        return try drawn(settings, view: view, stage: stage).map {
            ItemOfBox(centre: $0.centre, study: $0.study, image: $0.image, box: $0)
        }
    }

    private static func everyImage(
        _ settings: SegmentAnythingSettings, view: any PlanningView, stage: String
    ) throws -> [ItemOfBox] {
        let studies = try view.studies().filter { settings.splits.contains($0.split) }
        guard !studies.isEmpty else {
            throw StageError(
                .missingInput, "stage \(stage): no study is of split \(settings.splits.joined(separator: ", "))")
        }
        return studies.flatMap { study in
            study.images.map { ItemOfBox(centre: study.centre, study: study.study, image: $0, box: nil) }
        }.sorted { ($0.centre, $0.study, $0.image) < ($1.centre, $1.study, $1.image) }
    }

    private static func drawn(
        _ settings: SegmentAnythingSettings, view: any PlanningView, stage: String
    ) throws -> [ResultRow.BoxRow] {
        guard let source = view.source(.boxes)?.name else {
            throw StageError(
                .missingInput, "stage \(stage) needs boxes: put a step that draws them before it, or choose other `boxes`")
        }
        let wanted = Set(
            try view.studies().filter { settings.splits.contains($0.split) }.map { "\($0.centre)/\($0.study)" })
        let scored = try view.imagesScored(from: settings.minimumScore, for: stage)
        let drawn = try view.boxes(ofStep: source)
            .filter {
                $0.rectangle != nil && wanted.contains("\($0.centre)/\($0.study)")
                    && scored?.contains([$0.centre, $0.study, $0.image]) ?? true
            }
        guard !drawn.isEmpty else {
            throw StageError(
                .missingInput,
                "stage \(stage): \(source) drew no box on studies of split \(settings.splits.joined(separator: ", ")): "
                    + (settings.minimumScore > 0
                        ? "is `minimumScore` above all scores?" : "is its `threshold` above all scores?"))
        }
        let chosen = settings.kept ? drawn.filter(\.isKept) : drawn
        guard !chosen.isEmpty else {
            let reasons = Dictionary(grouping: drawn, by: { $0.rejection ?? "" }).mapValues(\.count)
                .sorted { ($1.value, $0.key) < ($0.value, $1.key) }.map { "\($0.key) \($0.value)" }
            throw StageError(
                .missingInput,
                "stage \(stage): \(source) kept none of its \(drawn.count) boxes (\(reasons.joined(separator: ", "))), so "
                    + "there is nothing to prompt with; look at its overlays, or prompt with all of them (`kept: false`)")
        }
        return chosen.sorted { ($0.centre, $0.study, $0.image) < ($1.centre, $1.study, $1.image) }
    }
}

/// An image that a shard of `sam` is to look at, and the box that an earlier stage drew; nil: its truth says.
package struct ItemOfBox: Codable, ImageItem {
    var centre: String
    package var study: String
    package var image: String
    var box: ResultRow.BoxRow?
}
