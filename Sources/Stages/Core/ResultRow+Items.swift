extension ResultRow {
    /// What is said more than once of an item (a study that three lines name, say) in one row, since the ledger keeps one
    /// of each: with the status and reason of the worst, and every message.
    static func oneForEachItem(_ rows: [ResultRow]) -> [ResultRow] {
        var places: [[String]: Int] = [:]
        var kept: [ResultRow] = []
        for row in rows {
            guard case .item(let item) = row else {
                kept.append(row)
                continue
            }
            let key = [item.centre, item.study, item.image ?? ""]
            guard let place = places[key], case .item(var one) = kept[place] else {
                places[key] = kept.count
                kept.append(row)
                continue
            }
            let message = one.message + "; " + item.message
            let order = ["skipped", "empty", "failed"]
            if order.firstIndex(of: item.status) ?? 0 > order.firstIndex(of: one.status) ?? 0 { one = item }
            one.message = message
            kept[place] = .item(one)
        }
        return kept
    }
}
