import NeuralNetwork

extension Precision {
    /// - Parameter advice: what to do instead, as the end of a sentence.
    /// - Throws: `EngineError.unsupported` for bf16 on a processor that does not multiply it.
    func requireProcessor(or advice: String) throws {
        guard self == .float32 || EngineSetup.hasBFloat16 else {
            throw EngineError(.unsupported, "this processor (\(EngineSetup.instructionSet)) does not multiply bf16: \(advice)")
        }
    }
}
