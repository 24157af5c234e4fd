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

    /// The trained network of `trainingStage`, where no file is named instead.
    static func network(_ trainingStage: String, unless weights: String?) -> [StageInput] {
        weights == nil ? [StageInput(trainingStage, or: "name a file in `weights`")] : []
    }

    /// The labels by which the studies are chosen whose images get maps or masks.
    static func labels(_ studies: CAMSettings.Studies) -> [StageInput] {
        studies == .positive ? [StageInput("labels", or: "take them all (`studies: \"all\"`)")] : []
    }
}

extension Pipeline {
    /// Looks whether each stage finds what it reads: found when the stage is planned, a missing one would stop a job that
    /// may have trained for hours.
    /// - Throws: `StageError.invalidSettings` that lists all that is missing.
    public func checkInputs(registry: StageRegistry) throws {
        var (before, missing): (Set<String>, [String]) = ([], [])
        for step in steps {
            for input in try registry[step.stage]?.inputs(settings: step.settings) ?? []
            where !before.contains(input.stage) {
                missing.append(
                    "\(step.stage) needs \(input.stage) before it" + (input.alternative.map { ", or \($0)" } ?? ""))
            }
            before.insert(step.stage)
        }
        guard missing.isEmpty else {
            throw StageError(.invalidSettings, "the pipeline's stages do not find what they need: " + missing.joined(separator: "; "))
        }
    }
}
