/// A row of a table that could not be read; the rows around it were.
public struct TableProblem: Sendable, Hashable {
    /// `broken-quote`, `bad-encoding`, `bad-json`, `wrong-field-count`, `too-long`.
    public var code: String
    /// The physical line, from 1, on which the row begins.
    public var line: Int
    /// What is wrong and what to do, without the row's text.
    public var message: String

    public init(code: String, line: Int, message: String) {
        self.code = code
        self.line = line
        self.message = message
    }
}
