/// The exit codes of every command, as docs/Operations.md lists them.
enum ExitStatus: Int32 {
    /// All that was asked for is done.
    case complete = 0
    /// The work failed.
    case failed = 1
    /// The command line cannot be understood.
    case usage = 2
    /// Done, but for some items that are listed with their reasons.
    case partial = 3
    /// Stopped on request.
    case cancelled = 4
    /// Something that the command needs is missing or set up wrongly: database, keys, archive folder, libraries.
    case configuration = 5
}

/// A set-up that cannot work; exit code 5.
struct ConfigurationError: Error, CustomStringConvertible {
    var description: String
    init(_ description: String) { self.description = description }
}
