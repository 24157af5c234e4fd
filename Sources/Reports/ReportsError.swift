/// What can go wrong in reading reports. The description never holds text of a report, a name or a key.
public struct ReportsError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The kind of failure; new ones may be added.
    public struct Code: Sendable, Hashable, CustomStringConvertible {
        private enum Base: String, Sendable {
            case emptyReport, reportTooLarge, malformedLexicon, malformedLine
            case endpointRefused, endpointInvalid, transport, timedOut, unavailable, httpStatus, answerTooLarge, answerInvalid
            case keyUnreadable, cacheUnwritable
        }
        private let base: Base

        public static let emptyReport = Code(base: .emptyReport)
        public static let reportTooLarge = Code(base: .reportTooLarge)
        public static let malformedLexicon = Code(base: .malformedLexicon)
        public static let malformedLine = Code(base: .malformedLine)
        /// The endpoint's host and port are not on the allow-list.
        public static let endpointRefused = Code(base: .endpointRefused)
        public static let endpointInvalid = Code(base: .endpointInvalid)
        /// The connection was refused or broke.
        public static let transport = Code(base: .transport)
        public static let timedOut = Code(base: .timedOut)
        /// The server says that it cannot answer now: it starts, it is busy, it failed.
        public static let unavailable = Code(base: .unavailable)
        /// The server refuses: a wrong key, an unknown model.
        public static let httpStatus = Code(base: .httpStatus)
        public static let answerTooLarge = Code(base: .answerTooLarge)
        /// The model's answer does not follow the schema.
        public static let answerInvalid = Code(base: .answerInvalid)
        public static let keyUnreadable = Code(base: .keyUnreadable)
        public static let cacheUnwritable = Code(base: .cacheUnwritable)

        public var description: String { base.rawValue }

        /// The model's server is away or busy; the same report may be read later.
        public static let ofOutage: [Code] = [.transport, .timedOut, .unavailable]
        /// Of where and how the model is asked, whatever the report.
        public static let ofService: [Code] =
            ofOutage + [.endpointRefused, .endpointInvalid, .httpStatus, .keyUnreadable, .cacheUnwritable]
    }

    public var code: Code
    /// What was wrong, where, and what to do.
    public var message: String
    /// The study it concerns, where known.
    public var study: String?

    public init(_ code: Code, _ message: String, study: String? = nil) {
        self.code = code
        self.message = message
        self.study = study
    }

    public var description: String {
        (study.map { "study \($0): " } ?? "") + message + " (\(code))"
    }
}
