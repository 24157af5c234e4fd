import Foundation

/// `--keys`, or the place for a service's or a user's state.
enum KeysOption {
    static let words = "keys in $STATE_DIRECTORY, or endoked/keys in $XDG_STATE_HOME or ~/.local/state"

    /// Nil where there is no place for state at all.
    static func folder(_ arguments: ParsedArguments) -> URL? {
        if let given = arguments.string("keys") { return URL(fileURLWithPath: given).standardizedFileURL }
        let environment = ProcessInfo.processInfo.environment
        func absolute(_ name: String) -> URL? {
            // systemd may name several folders, the first of which is the unit's own.
            guard let path = environment[name]?.split(separator: ":").first, path.hasPrefix("/") else { return nil }
            return URL(fileURLWithPath: String(path))
        }
        if let service = absolute("STATE_DIRECTORY") { return service.appendingPathComponent("keys") }
        if let state = absolute("XDG_STATE_HOME") { return state.appendingPathComponent("endoked/keys") }
        return absolute("HOME")?.appendingPathComponent(".local/state/endoked/keys")
    }
}
