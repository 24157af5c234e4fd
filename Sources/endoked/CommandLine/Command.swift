/// One command of the program.
protocol Command: Sendable {
    static var spec: CommandSpec { get }
    /// Checks the arguments; nothing is done yet.
    init(_ arguments: ParsedArguments) throws
    func run() throws -> ExitStatus
}
