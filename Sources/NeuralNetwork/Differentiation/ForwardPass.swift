/// One run of a model over a batch: whether it learns, what it records, and where its chance comes from.
///
/// Operations are methods of the pass, one a file in `Operations`; layers are written in them once and serve
/// training and evaluation alike. A pass belongs to one thread.
public final class ForwardPass {
    /// How batch normalisation and dropout behave.
    public enum Mode: Sendable { case training, evaluation }

    public let mode: Mode
    /// Where operations are recorded; nil for passes that are not differentiated.
    public let tape: Tape?
    /// Whether batch normalisation's running statistics learn from this pass.
    public let updatesRunningStatistics: Bool
    /// What convolutions multiply in. bf16 is for speed: weights, activations between layers, normalisation,
    /// gradients of weights and all sums stay fp32.
    public let precision: Precision
    private var random: CounterRandom

    /// `seed` decides dropout and nothing else; two passes with one seed and the same operations drop the same.
    public init(
        _ mode: Mode, recordingOn tape: Tape? = nil, seed: UInt64 = 0, updatesRunningStatistics: Bool = true,
        precision: Precision = .float32
    ) {
        self.mode = mode
        self.precision = precision
        self.tape = tape
        self.updatesRunningStatistics = updatesRunningStatistics
        random = CounterRandom(seed: seed)
    }

    func nextSeed() -> UInt64 { random.next() }

    /// Whether a result of `inputs` (and of learnt parameters, if so said) must be recorded.
    func records(_ inputs: [Tensor], parameters: Bool = false) -> Tape? {
        guard let tape, parameters || inputs.contains(where: \.needsGradient) else { return nil }
        return tape
    }
}
