import Ledger

extension Round {
    /// Whether parameters were averaged or measured in it; rounds of other stages only count shards.
    var isAveraging: Bool { received > 0 || validationAUC != nil }
}
