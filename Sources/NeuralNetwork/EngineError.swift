/// What went wrong in a computation of the engine.
public struct EngineError: Error, Equatable, CustomStringConvertible {
    /// The kind of failure. A struct, so that a kind can be added without breaking a caller's `switch`.
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        private enum Base: String { case shapeMismatch, library, outOfMemory, unsupported, notFinite, invalidOption }
        private let base: Base
        private init(_ base: Base) { self.base = base }

        /// Tensors given to an operation do not fit each other or the layer.
        public static let shapeMismatch = Code(.shapeMismatch)
        /// oneDNN refused or failed.
        public static let library = Code(.library)
        public static let outOfMemory = Code(.outOfMemory)
        /// This processor or this build cannot do what was asked, bf16 for example.
        public static let unsupported = Code(.unsupported)
        /// A loss or a gradient is NaN or infinite.
        public static let notFinite = Code(.notFinite)
        /// A number given by the caller lies outside its range.
        public static let invalidOption = Code(.invalidOption)

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
