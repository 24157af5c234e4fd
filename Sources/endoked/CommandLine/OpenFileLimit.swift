import Foundation

/// How many files and sockets a process may have open at a time (`ulimit -n`).
enum OpenFileLimit {
    /// What a run, a coordinator or a worker may need at the most.
    static let needed = 512

    /// Raises the limit as far as the system lets this user.
    /// - Returns: the limit from now on.
    @discardableResult
    static func raise() -> Int {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return .max }
        let wanted = min(limit.rlim_max, 65_536)
        if limit.rlim_cur < wanted {
            var raised = limit
            raised.rlim_cur = wanted
            if setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &raised) == 0 { limit = raised }
        }
        return Int(clamping: limit.rlim_cur)
    }

    /// - Throws: `ConfigurationError` when too few files are allowed: said before anything starts.
    static func require() throws {
        let limit = raise()
        guard limit >= needed else {
            throw ConfigurationError(
                "only \(limit) files may be open at a time here, \(needed) are needed: raise the limit (ulimit -n \(needed), or LimitNOFILE= of a systemd unit)"
            )
        }
    }
}
