/// The stages that this program knows, by name.
public struct StageRegistry: Sendable {
    private let stages: [String: any Stage]

    public init(_ stages: [any Stage]) {
        self.stages = Dictionary(stages.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
    }

    public subscript(name: String) -> (any Stage)? { stages[name] }

    /// Sorted names, for messages.
    public var names: [String] { stages.keys.sorted() }

    /// Sorted names of the stages that leave a product, for messages.
    func stages(leaving product: Product) -> [String] {
        stages.filter { $0.value.products.contains(product) }.keys.sorted()
    }

    /// Sorted names of the stages that a loop's `until` can look at, for messages.
    var measuringAgreement: [String] { stages.filter(\.value.measuresAgreement).keys.sorted() }
}
