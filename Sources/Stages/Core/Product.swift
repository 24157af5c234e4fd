/// What a step leaves for those after it: by this, steps of a pipeline find each other, not by the names of stages.
public struct Product: Sendable, Hashable, CustomStringConvertible {
    public enum Kind: String, Sendable, Hashable, CaseIterable {
        case studies, labels, features, scores, boxes, masks, network
    }

    public var kind: Kind
    /// Which of the kind: of scores the head, of boxes and masks the kind of their rows, of a network its family. Empty
    /// where there is one only.
    public var family: String

    public init(_ kind: Kind, _ family: String = "") {
        self.kind = kind
        self.family = family
    }

    public var description: String { family.isEmpty ? kind.rawValue : "\(kind.rawValue) (\(family))" }

    static let studies = Product(.studies)
    static let labels = Product(.labels)
    static let features = Product(.features)
    /// Of the MIL student.
    static let studentScores = Product(.scores, "student")
}

/// What a step reads of earlier ones.
public struct StageNeed: Sendable, Hashable {
    /// By which `from` names the step: `from: {masks: "masks-2"}`.
    public var key: String
    /// Any of these will do.
    public var products: [Product]
    /// Whether `from` may name a step that leaves another family of the kind.
    public var takesAnyFamily: Bool
    /// Whether several steps may be named; by default all that leave one of the products.
    public var takesMany: Bool
    public var isRequired: Bool
    /// What to set so that the step does without, as the end of a sentence: "name a file in `weights`". Nil: nothing.
    public var alternative: String?

    /// - Parameter takesAnyFamily: where the step reads the family off its source.
    public init(_ product: Product, takesAnyFamily: Bool = false, or alternative: String? = nil) {
        key = product.kind.rawValue
        products = [product]
        self.takesAnyFamily = takesAnyFamily
        takesMany = false
        isRequired = true
        self.alternative = alternative
    }

    /// Whatever earlier steps left of some kinds; none of it must be there.
    init(anyOf kinds: [Product.Kind], key: String) {
        self.key = key
        products = kinds.map { Product($0) }
        (takesAnyFamily, takesMany, isRequired) = (true, true, false)
    }

    /// What every step but the first reads.
    static let studies = StageNeed(.studies)
    static let labels = StageNeed(.labels)

    /// The trained network of a family, where no file is named instead.
    static func network(_ family: String, unless weights: String?) -> [StageNeed] {
        weights == nil ? [StageNeed(Product(.network, family), or: "name a file in `weights`")] : []
    }

    func isMet(by step: StepOutline, named: Bool) -> Bool {
        step.products.contains { made in
            products.contains { $0.kind == made.kind && ($0.family == made.family || takesMany || named && takesAnyFamily) }
        }
    }
}
