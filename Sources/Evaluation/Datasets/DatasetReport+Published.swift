extension DatasetReport {
    /// Our Dice above the published, a column a set; nil where nothing is published for any of ours.
    ///
    /// - Parameter counts: images that the published figure of a set is of; a set with another number says so.
    public func besidePublished(counts: [String: Int]) -> String? {
        let own = rows.filter { $0.subset == .all || $0.subset == .part }
        let columns: [(set: String, row: Row)] = PublishedDice.sets.compactMap { set in
            own.first { ($0.subset == .all ? $0.dataset : $0.dataset + " " + $0.name) == set }.map { (set, $0) }
        }
        guard !columns.isEmpty else { return nil }
        let isOther = columns.map { column in counts[column.set].map { $0 != column.row.images } ?? false }
        var lines = [["Dice", "trained on"] + columns.map(\.set)]
        lines.append(
            ["ours (mean over 256 thresholds)", ""]
                + zip(columns, isOther).map { TextTable.number($0.row.measures["dice_mean"]) + ($1 ? "*" : "") })
        lines.append(["ours (reference's own Dice)", ""] + columns.map { TextTable.number($0.row.measures["soft_dice"]) })
        lines.append(["ours (cut at 0.5)", ""] + columns.map { TextTable.number($0.row.measures["binary_dice"]) })
        for published in PublishedDice.all {
            lines.append(
                ["published: " + published.model, published.training] + columns.map { TextTable.number(published.dice[$0.set]) })
        }
        var text = TextTable.lines(lines)
        for (column, isOther) in zip(columns, isOther) where isOther {
            text += "\n* \(column.set): ours are \(column.row.images) images, the published \(counts[column.set] ?? 0): not the same ones"
        }
        return text + "\n" + PublishedDice.sources
    }
}
