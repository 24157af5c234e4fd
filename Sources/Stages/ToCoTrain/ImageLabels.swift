/// From the student's probabilities to labels of single images (docs/Method.md, section 2, "Output").
enum ImageLabels {
    /// Images of a split with a label, by centre: of positive reports those with a probability from `threshold` on; of
    /// each negative study the share with the lowest probability, one image at least.
    /// - Throws: `StageError.missingInput` without scores.
    static func byCentre(
        split: String, threshold: Double, negativeShare: Double, view: any PlanningView, stage: String
    ) throws -> [ItemList] {
        let scores = try view.studentScores(for: stage)
        let wanted = Set(try view.studies().filter { $0.split == split }.map { "\($0.centre)/\($0.study)" })
        var labels: [String: Bool] = [:]
        for row in try view.reportLabels() where row.polyp != "uncertain" {
            labels["\(row.centre)/\(row.study)"] = row.polyp == "yes"
        }
        let byStudy = Dictionary(grouping: scores) { "\($0.centre)/\($0.study)" }
        var lists: [String: [ItemList.Item]] = [:]
        for (key, rows) in byStudy.sorted(by: { $0.key < $1.key }) {
            guard wanted.contains(key), let isPositive = labels[key], let centre = rows.first?.centre else { continue }
            let chosen: [ResultRow.ImageScoreRow]
            if isPositive {
                chosen = rows.filter { $0.score >= threshold }
            } else {
                let count = max(1, Int(Double(rows.count) * negativeShare))
                chosen = Array(rows.sorted { ($0.score, $0.image) < ($1.score, $1.image) }.prefix(count))
            }
            lists[centre, default: []] += chosen.sorted { $0.image < $1.image }
                .map { ItemList.Item(study: $0.study, image: $0.image, label: isPositive ? 1 : 0) }
        }
        return lists.sorted { $0.key < $1.key }.filter { !$0.value.isEmpty }
            .map { ItemList(centre: $0.key, items: $0.value) }
    }
}
