import NeuralNetwork

/// What becomes of a round of an averaging stage when some of its shards were set aside.
public enum MissingReplicas: String, Sendable, Hashable, NamedChoice {
    /// The round is not folded: the stage fails and names them, and `endoked requeue` takes it up again. The default, since
    /// an average over fewer replicas is another model.
    case refuse
    /// The round is folded from those that came through, and the stage ends as partial.
    case allow
}
