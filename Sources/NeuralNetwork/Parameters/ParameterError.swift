/// What went wrong with parameters, checkpoints or the algebra over them.
public struct ParameterError: Error, Equatable, CustomStringConvertible {
    /// The kind of failure. A struct, so that a kind can be added without breaking a caller's `switch`.
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        private enum Base: String {
            case duplicateName, shapeMismatch, malformedFile, truncatedFile, unsupportedElement, refusedCode
            case unreadableFile, unwritableFile, missingTensors, notFinite, noWeight, tooFewContributions
            case invalidOption, missingLibrary, wrongBase, ambiguous
        }
        private let base: Base
        private init(_ base: Base) { self.base = base }

        /// Two tensors have the same name.
        public static let duplicateName = Code(.duplicateName)
        /// A tensor's values are not as many as its shape says, or two shapes that must agree differ.
        public static let shapeMismatch = Code(.shapeMismatch)
        /// A file breaks the rules of its format.
        public static let malformedFile = Code(.malformedFile)
        /// A file ends before what it announced.
        public static let truncatedFile = Code(.truncatedFile)
        /// A valid file holds a type of element, or a variant of its format, that is not read here.
        public static let unsupportedElement = Code(.unsupportedElement)
        /// A pickle names a class or a function that is none of those that rebuild tensors. It was not called.
        public static let refusedCode = Code(.refusedCode)
        public static let unreadableFile = Code(.unreadableFile)
        public static let unwritableFile = Code(.unwritableFile)
        /// Tensors are missing, extra or misshapen; the message lists all of them.
        public static let missingTensors = Code(.missingTensors)
        /// A value is NaN or infinite; the message names the tensor.
        public static let notFinite = Code(.notFinite)
        /// The contributions weigh nothing together, or one of them weighs less than nothing.
        public static let noWeight = Code(.noWeight)
        /// A robust aggregator needs more contributions than there are.
        public static let tooFewContributions = Code(.tooFewContributions)
        /// A number given by the caller lies outside its range.
        public static let invalidOption = Code(.invalidOption)
        /// libopenblas could not be opened, or lacks a function.
        public static let missingLibrary = Code(.missingLibrary)
        /// A delta was computed from other parameters than those it is to be added to.
        public static let wrongBase = Code(.wrongBase)
        /// A file holds several sets of tensors that would do, and nothing tells which is meant.
        public static let ambiguous = Code(.ambiguous)

        public var description: String { base.rawValue }
    }

    public let code: Code
    /// What was wrong, where, and what to do.
    public let message: String

    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    public var description: String { message }
}
