/// Something that is wrong with an archive, found before any worker starts.
public struct ArchiveIssue: Sendable, Hashable, Codable {
    public enum Severity: String, Sendable, Hashable, Codable {
        /// What it names is left out.
        case error
        /// What it names takes part, perhaps not in every stage.
        case warning
    }

    public var severity: Severity
    public var centre: String
    public var study: String?
    /// The file, relative to the centre's folder, or an image's name.
    public var file: String?
    /// The line of `file`, from 1.
    public var row: Int?
    /// Short and stable: `duplicate-study`, `truncated-image`, `empty-bag`, …
    public var code: String
    /// What is wrong and what to do, in one line, without report text or patient names.
    public var message: String

    public init(
        _ severity: Severity, centre: String, study: String? = nil, file: String? = nil, row: Int? = nil, code: String,
        message: String
    ) {
        self.severity = severity
        self.centre = centre
        self.study = study
        self.file = file
        self.row = row
        self.code = code
        self.message = message
    }
}
