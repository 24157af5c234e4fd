import NeuralNetwork

/// The network of EndoKED-MIL: one encoder of images, two teachers that see bags, one student that sees images.
///
/// Parameters are named `encoder.` (the encoder's published names), `attention.`, `dsmil.`, `student.` (the reference's).
/// A network belongs to one thread; to move it, send its `parameters()`.
public final class MILNetwork: Module {
    public let configuration: MILConfiguration
    public let encoder: any ImageBackbone
    public let attention: AttentionTeacher
    public let dsmil: DSMILTeacher
    public let student: StudentHead

    /// Linear layers start from N(0, 0.01) with zero bias, convolutions as torchvision's. `seed` decides all.
    ///
    /// Throws `EngineError.invalidOption` for sizes that make no network.
    public init(_ configuration: MILConfiguration = MILConfiguration(), seed: UInt64) throws {
        guard configuration.teacherHidden >= 2, configuration.studentHidden >= 1, (0..<1).contains(configuration.dropout)
        else {
            throw EngineError(
                .invalidOption,
                "a MIL network needs teacherHidden ≥ 2, studentHidden ≥ 1 and dropout in [0, 1); got \(configuration)")
        }
        self.configuration = configuration
        let (features, dropout) = (configuration.features, configuration.dropout)
        encoder = try configuration.makeEncoder(seed: seed)
        attention = try AttentionTeacher(features: features, hidden: configuration.teacherHidden, dropout: dropout)
        dsmil = try DSMILTeacher(features: features, hidden: configuration.teacherHidden, dropout: dropout)
        student = try StudentHead(features: features, hidden: configuration.studentHidden, dropout: dropout)
        for (prefix, head) in heads {
            head.forEachParameter(prefix) { name, parameter in
                if parameter.shape.count == 2 {
                    Initialisation.normal(parameter, deviation: 0.01, seed: seed, name: name)
                } else if parameter.shape.count == 3 {
                    // The 1-D convolution starts as PyTorch's do: uniform within 1/sqrt(inputs of an output).
                    Initialisation.uniformFanIn(parameter, seed: seed, name: name)
                }
            }
        }
    }

    private var heads: [(String, any Module)] { [("attention", attention), ("dsmil", dsmil), ("student", student)] }

    /// Takes over an encoder trained elsewhere: its published names, with or without `encoder.` before them; its
    /// classifier is passed over. Errors as `load`.
    public func loadEncoder(_ set: ParameterSet) throws { try encoder.load(configuration.encoder.tensors(of: set)) }

    public func forEachParameter(_ prefix: String, _ body: (String, Parameter) throws -> Void) rethrows {
        try encoder.forEachParameter(joinedName(prefix, "encoder"), body)
        for (name, head) in heads { try head.forEachParameter(joinedName(prefix, name), body) }
    }
}
