import NeuralNetwork

/// What a stage that only infers computes with.
public enum InferencePrecision: String, Sendable, Hashable, NamedChoice {
    case fp32, bf16
    /// Convolutions and linear layers in 8 bits where a calibration says so, bf16 elsewhere.
    case int8

    /// Of all that is not in 8 bits: a processor with 8-bit products only has fp32 for it.
    var besides: Precision {
        switch self {
        case .fp32: .float32
        case .bf16: .bfloat16
        case .int8: EngineSetup.hasBFloat16 ? .bfloat16 : .float32
        }
    }

    /// Throws `StageError.invalidSettings` unless there is a calibration for int8 and for nothing else.
    static func check(_ precision: InferencePrecision, calibration: String?, stage: String) throws {
        switch (precision, calibration) {
        case (.int8, nil):
            throw StageError(
                .invalidSettings,
                "stage \(stage): precision int8 needs `calibration`, a file that `endoked calibrate` made with the same weights"
            )
        case (.fp32, .some), (.bf16, .some):
            throw StageError(
                .invalidSettings, "stage \(stage): `calibration` is for precision int8, not \(precision.rawValue)")
        default: break
        }
    }
}
