/// What must happen next in a stage, from what the ledger says about it. A value without I/O: after a crash the same
/// facts give the same step.
package struct StageProgress: Equatable {
    package enum Step: Equatable {
        /// Make and enqueue the shards of a round, then open it.
        case plan(round: Int)
        /// Shards of this round are still open.
        case wait(round: Int)
        /// All shards of this round have ended: fold them.
        case reduce(round: Int)
        /// The last round is over.
        case end
    }

    /// How many rounds the stage makes at most.
    package var roundCount: Int
    /// How many rounds are finished; they are the first ones.
    package var finishedRounds: Int
    /// Whether the last finished round said that no other follows.
    package var isFinal: Bool
    /// Whether the next round's shards are all in the ledger.
    package var isOpened: Bool
    /// Its shards that may still change.
    package var openShards: Int

    package init(roundCount: Int, finishedRounds: Int, isFinal: Bool, isOpened: Bool, openShards: Int) {
        self.roundCount = roundCount
        self.finishedRounds = finishedRounds
        self.isFinal = isFinal
        self.isOpened = isOpened
        self.openShards = openShards
    }

    package var step: Step {
        if finishedRounds >= roundCount || isFinal { return .end }
        if !isOpened { return .plan(round: finishedRounds) }
        return openShards > 0 ? .wait(round: finishedRounds) : .reduce(round: finishedRounds)
    }
}
