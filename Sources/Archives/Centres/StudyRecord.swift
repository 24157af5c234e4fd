/// One examination as its centre's table names it. It holds the report's text: it never leaves the worker, and its
/// description shows neither text nor patient.
public struct StudyRecord: Sendable, Hashable, CustomStringConvertible {
    public var study: String
    public var patient: String
    /// The report's text; nil where there is none.
    public var text: String?
    /// A report label that the archive brings along: `yes`, `no`, `uncertain`.
    public var label: String?
    public var split: Split
    /// ISO 639-1, where the table says it.
    public var language: String?
    public var pathology: String?
    /// False when a manifest says `process = 0`.
    public var isProcessed: Bool
    /// Columns that this program does not know, as they stood.
    public var otherColumns: [String: String]
    /// The line of the table on which the study stands, from 1.
    public var line: Int

    public var description: String { "study \(study)" }
}
