/// What a stage reads of an earlier one in the same pipeline.
public struct StageInput: Sendable, Hashable {
    /// The stage that leaves it.
    public var stage: String
    /// What to set so that the stage does without, as the end of a sentence: "name a file in `weights`". Nil: nothing.
    public var alternative: String?

    public init(_ stage: String, or alternative: String? = nil) {
        self.stage = stage
        self.alternative = alternative
    }

    /// What every stage but the first reads: the studies.
    static let catalogue = StageInput("catalogue")
    static let labels = StageInput("labels")

    /// The trained network of `trainingStage`, where no file is named instead.
    static func network(_ trainingStage: String, unless weights: String?) -> [StageInput] {
        weights == nil ? [StageInput(trainingStage, or: "name a file in `weights`")] : []
    }
}
