/// Why something could not be scored.
public struct EvaluationError: Error, Equatable, CustomStringConvertible {
    /// The kind of failure. A struct, so that a kind can be added without breaking a caller's `switch`.
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        private enum Base: String { case sizeMismatch, emptyInput, notANumber, invalidOption, malformedGolden }
        private let base: Base
        private init(_ base: Base) { self.base = base }

        /// Prediction and truth are not equally large, or not as large as said.
        public static let sizeMismatch = Code(.sizeMismatch)
        /// There is nothing to score.
        public static let emptyInput = Code(.emptyInput)
        /// A score is NaN: it cannot be ranked.
        public static let notANumber = Code(.notANumber)
        public static let invalidOption = Code(.invalidOption)
        /// A file of reference numbers lacks what it should hold.
        public static let malformedGolden = Code(.malformedGolden)

        public var description: String { base.rawValue }
    }

    public let code: Code
    public let message: String

    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    public var description: String { message }
}
