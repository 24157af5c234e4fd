/// Yes and no as tables write them.
enum TruthWord {
    /// What a cell says; nil for a word that is neither.
    static func parse(_ cell: String) -> Bool? {
        switch cell.lowercased() {
        case "1", "1.0", "1,0", "true", "t", "yes", "y", "positive", "pos", "ja", "wahr", "是", "有": true
        case "0", "0.0", "0,0", "false", "f", "no", "n", "negative", "neg", "nein", "falsch", "否", "无": false
        default: nil
        }
    }

    /// Whether a cell says that nothing is known.
    static func isUnknown(_ cell: String) -> Bool {
        ["na", "n/a", "nan", "null", "none", "unknown", "uncertain", "-", "?"].contains(cell.lowercased())
    }
}
