import Digest
import NeuralNetwork

/// What a stage that trains by averaged rounds says of itself: its examples, its network, an epoch and a validation.
/// Rounds, averaging, selection and states are `AveragedTraining`'s.
protocol Trainer: Sendable {
    associatedtype Settings: RoundSettings
    /// The examples of one shard.
    associatedtype Examples: CentreExamples
    associatedtype Record: RoundRecord

    /// The stage's name.
    var stage: String { get }
    /// The number, of `metrics`, by which the best model is chosen, higher being better.
    var selection: String { get }

    /// The settings of a step, checked.
    /// - Throws: `StageError.invalidSettings`.
    func settings(_ given: StageSettings) throws -> Settings

    /// The network before the first round: from a file where the settings name one, otherwise from `seed`.
    func startingParameters(_ settings: Settings, seed: UInt64) throws -> ParameterSet

    /// The same for a trainer whose network depends on what earlier steps left.
    func startingParameters(_ settings: Settings, seed: UInt64, view: any PlanningView) throws -> ParameterSet

    /// What later steps get of the parameters that the rounds ended with.
    func finished(_ parameters: ParameterSet, _ settings: Settings, view: any PlanningView) throws -> ParameterSet

    /// The examples to learn from, shared out to logical replicas by key (`train/…`); the same in every round.
    /// - Throws: `StageError.missingInput` where there is nothing to learn from.
    func replicas(_ settings: Settings, view: any PlanningView) throws -> [(key: String, examples: Examples)]

    /// The examples to validate on, cut into shards by key (`validate/…`); none where there are no validation studies.
    func validation(_ settings: Settings, view: any PlanningView) throws -> [(key: String, examples: Examples)]

    /// A replica's epochs in one round. `record` gets the images learnt from and the losses.
    /// - Returns: the parameters that it came to, and a row for each image that could not be read.
    func train(
        on examples: Examples, _ task: TrainingTask<Settings>, record: inout Record
    ) throws -> (parameters: ParameterSet, failed: [ResultRow.ItemRow])

    /// Looks at validation examples with a round's starting parameters. `record` gets what `metrics` needs.
    /// - Returns: a row for each image that could not be read.
    func validate(
        on examples: Examples, _ task: TrainingTask<Settings>, record: inout Record
    ) throws -> [ResultRow.ItemRow]

    /// A round in numbers, beside those that all rounds tell (`loss`, `images`, `unreadableImages`, `deltaNorm`); those of
    /// round 0 also say what later stages must know of the network.
    func metrics(of records: [Record], round: Int, settings: Settings) throws -> [String: Double]

    /// What a person should know of the last round's numbers, one sentence each.
    func warnings(of metrics: [String: Double]) -> [String]

    /// The same for a trainer whose network depends on what earlier steps left.
    func metrics(of records: [Record], round: Int, settings: Settings, view: any PlanningView) throws -> [String: Double]
}

extension Trainer {
    func startingParameters(_ settings: Settings, seed: UInt64, view: any PlanningView) throws -> ParameterSet {
        try startingParameters(settings, seed: seed)
    }

    func finished(_ parameters: ParameterSet, _ settings: Settings, view: any PlanningView) throws -> ParameterSet {
        parameters
    }

    func warnings(of metrics: [String: Double]) -> [String] { [] }

    func metrics(of records: [Record], round: Int, settings: Settings, view: any PlanningView) throws -> [String: Double] {
        try metrics(of: records, round: round, settings: settings)
    }
}

/// The settings that all averaged training has.
protocol RoundSettings: Codable, Sendable {
    /// Rounds of parameter averaging.
    var rounds: Int { get }
    var averaging: MILTrainSettings.Averaging { get }
    /// Whether a round may be averaged without shards that were set aside.
    var missingReplicas: MissingReplicas { get }
    /// Which model the stage ends with.
    var select: MILTrainSettings.Select { get }
}

extension MILTrainSettings: RoundSettings {}
extension ToCoTrainSettings: RoundSettings {}
extension SegmentTrainSettings: RoundSettings {}

/// Examples of one centre, kept as content of their own: the same list serves every round.
protocol CentreExamples: Codable {
    var centre: String { get }
    /// Content that they name, such as masks.
    var contents: [SHA256Digest] { get }
}

extension BagList: CentreExamples {
    var contents: [SHA256Digest] { bags.compactMap(\.features) + (features.map { [$0.statistics] } ?? []) }
}

extension ItemList: CentreExamples {
    var contents: [SHA256Digest] { items.compactMap(\.mask) }
}
