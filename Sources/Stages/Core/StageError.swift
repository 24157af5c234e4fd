import NeuralNetwork

/// What went wrong in a stage. The text names study, image, field or tensor; it never holds report text.
public struct StageError: Error, Sendable, CustomStringConvertible {
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        private enum Base: String, Sendable {
            case invalidSettings = "invalid-settings"
            case missingInput = "missing-input"
            case archive = "archive"
            case parameters = "parameters"
            case numeric = "numeric"
            case machine = "machine"
            case cancelled = "cancelled"
        }
        private let base: Base
        private init(_ base: Base) { self.base = base }

        /// A pipeline's settings are not what the stage takes.
        public static let invalidSettings = Self(.invalidSettings)
        /// An earlier stage left nothing to work on.
        public static let missingInput = Self(.missingInput)
        /// The centre's archive cannot be read.
        public static let archive = Self(.archive)
        /// Parameters do not fit the network.
        public static let parameters = Self(.parameters)
        /// Training produced numbers that are not finite.
        public static let numeric = Self(.numeric)
        /// This machine lacks something for now: memory, a file that cannot be opened. The same may do elsewhere, or later.
        public static let machine = Self(.machine)
        /// The worker was told to stop; the shard goes back unharmed.
        public static let cancelled = Self(.cancelled)

        public var description: String { base.rawValue }

        /// The codes of errors that come again wherever and whenever the same shard is computed: repeating it only costs
        /// time. An archive may come back, and a machine may have more memory.
        public static let deterministic: [Self] = [.invalidSettings, .missingInput, .parameters, .numeric]
    }

    public var code: Code
    public var message: String

    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    public var description: String { message }
}

extension StageError {
    /// What `body` makes. What a network or its parameters refuse becomes the stage's error.
    ///
    /// - Parameters:
    ///   - place: what the message begins with: a shard, a round, a file.
    ///   - notFinite: the code for numbers that are not finite: `numeric` where the stage itself made them.
    static func naming<Result>(
        _ place: String? = nil, notFinite: Code = .parameters, _ body: () throws -> Result
    ) throws -> Result {
        func error(_ message: String, isNotFinite: Bool, isOfTheMachine: Bool) -> StageError {
            StageError(
                isNotFinite ? notFinite : isOfTheMachine ? .machine : .parameters,
                place.map { "\($0): \(message)" } ?? message)
        }
        do { return try body() } catch let refused as ParameterError {
            throw error(
                refused.message, isNotFinite: refused.code == .notFinite,
                isOfTheMachine: [.unreadableFile, .unwritableFile, .missingLibrary].contains(refused.code))
        } catch let refused as EngineError {
            throw error(
                refused.message, isNotFinite: refused.code == .notFinite, isOfTheMachine: refused.isOfTheMachine)
        }
    }
}

extension EngineError {
    /// Whether another machine, or this one later, may well compute it.
    var isOfTheMachine: Bool { [.outOfMemory, .library].contains(code) }
}

extension DecodingError {
    /// The field's path and what is wrong with it, in one line.
    package var fieldAndReason: String {
        func path(_ context: Context, _ last: (any CodingKey)? = nil) -> String {
            let keys = context.codingPath.map(\.stringValue) + (last.map { [$0.stringValue] } ?? [])
            return keys.isEmpty ? "the object itself" : keys.joined(separator: ".")
        }
        switch self {
        case .keyNotFound(let key, let context): return "\(path(context, key)) is missing"
        case .typeMismatch(let type, let context): return "\(path(context)) is not a \(type)"
        case .valueNotFound(let type, let context): return "\(path(context)) is null where a \(type) belongs"
        case .dataCorrupted(let context): return "\(path(context)): \(context.debugDescription)"
        @unknown default: return "\(self)"
        }
    }
}
