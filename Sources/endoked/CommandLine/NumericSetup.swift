import NeuralNetwork

/// What decides the last bits of this process's results (docs/Architecture.md, "Numeric setup"): shards that must agree
/// to the bit go only to workers that name the same.
enum NumericSetup {
    static var current: String {
        "\(EngineSetup.library) \(EngineSetup.instructionSet) threads=1"
    }
}
