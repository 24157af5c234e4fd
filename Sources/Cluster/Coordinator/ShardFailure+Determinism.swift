import Stages
import Wire

extension ShardFailure {
    /// Whether the shard would fail so again, wherever it ran: a second attempt is only a loss of time.
    var isDeterministic: Bool { !isInfrastructure && Self.deterministicCodes.contains(code) }

    private static let deterministicCodes = Set(
        StageError.Code.deterministic.map(\.description) + ["record-too-large", "rows-too-large", "too-many-contents", "content-too-large"])
}
