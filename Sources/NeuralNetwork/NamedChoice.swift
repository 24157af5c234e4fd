/// One of a few things that people choose by name, in a pipeline or a file: an unknown name is answered with those that there
/// are.
public protocol NamedChoice: RawRepresentable, CaseIterable, Codable where RawValue == String {
    /// What else to say to who asked for `unknown`; nil: nothing.
    static func hint(for unknown: String) -> String?
}

extension NamedChoice {
    public static func hint(for unknown: String) -> String? { nil }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let name = try container.decode(String.self)
        guard let choice = Self(rawValue: name) else {
            throw DecodingError.dataCorruptedError(
                in: container,
                debugDescription: "there is no \"\(name)\", only " + Self.allCases.map(\.rawValue).joined(separator: ", ")
                    + (Self.hint(for: name).map { ": " + $0 } ?? ""))
        }
        self = choice
    }
}
