/// The type of numbers that a network computes with. Sums inside an operation are fp32 in either.
public enum Precision: String, Sendable, Hashable, NamedChoice {
    case float32
    case bfloat16

    package var bytes: Int { self == .float32 ? 4 : 2 }
}
