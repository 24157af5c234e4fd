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
    /// What convolutions, linear layers and attention multiply in. In a recorded pass bf16 is for speed alone:
    /// weights, activations between blocks, normalisation, gradients of weights and all sums stay fp32; what lies between a
    /// convolution and its batch normalisation is bf16. A pass that records nothing also hands bf16 activations from layer
    /// to layer.
    public let precision: Precision
    /// What layers of an inference pass multiply with.
    let arithmetic: LayerArithmetic
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
        arithmetic = .plain
        random = CounterRandom(seed: seed)
    }

    /// An inference pass; layers of `quantised` compute in 8 bits.
    package convenience init(inferringIn precision: Precision, _ quantised: QuantisedNetwork?) {
        self.init(inferringIn: precision, quantised.map { LayerArithmetic.quantised($0) } ?? .plain)
    }

    init(inferringIn precision: Precision, _ arithmetic: LayerArithmetic) {
        mode = .evaluation
        tape = nil
        updatesRunningStatistics = false
        self.precision = precision
        self.arithmetic = arithmetic
        random = CounterRandom(seed: 0)
    }

    func nextSeed() -> UInt64 { random.next() }

    /// Whether this pass only computes results: biases, activations and residuals are then part of the kernels, batch
    /// normalisation is folded into the convolution before it, and weights are packed once.
    public var isInference: Bool { mode == .evaluation && tape == nil }

    /// Whether layers multiply in the pass's own precision, and are not watched.
    package var isPlain: Bool {
        if case .plain = arithmetic { true } else { false }
    }

    /// What layers hand on.
    public var activationPrecision: Precision { isInference ? precision : .float32 }

    /// What a convolution hands to the batch normalisation behind it, and that to a convolution.
    package var precisionWithinBlock: Precision { tape != nil ? precision : activationPrecision }

    /// `x` in fp32, for operations without a kernel in bf16. Only inference passes make bf16 tensors, so nothing is
    /// recorded.
    public func float32(_ x: Tensor) throws -> Tensor { try x.converted(to: .float32) }

    /// The memory of `x` in the precision that a kernel reads: its own, or a converted copy.
    static func operand(_ x: Tensor, _ precision: Precision) throws -> PooledMemory {
        if precision == .bfloat16, let narrow = x.narrow { return narrow }
        return try x.converted(to: precision).memory
    }

    /// Whether a result of `inputs` (and of learnt parameters, if so said) must be recorded.
    func records(_ inputs: [Tensor], parameters: Bool = false) -> Tape? {
        guard let tape, parameters || inputs.contains(where: \.needsGradient) else { return nil }
        return tape
    }
}
