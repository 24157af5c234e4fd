import NeuralNetwork

extension ForwardPass {
    /// For the parts of an inference in bf16 or 8 bits that keep fp32: a plain pass in fp32 (its inputs are converted), or
    /// this one where it is that already or records.
    var exact: ForwardPass { isInference && (precision != .float32 || !isPlain) ? ForwardPass(.evaluation) : self }
}
