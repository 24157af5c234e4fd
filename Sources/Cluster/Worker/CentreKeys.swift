import Archives
import Synchronization

/// The keys of the centres that a worker serves: kept on its host, or, where that cannot be, made for this process.
final class CentreKeys: Sendable {
    private let folder: CentreKeyFolder?
    private let log: EventLog
    private let known = Mutex<[String: CentreKey]>([:])

    init(_ folder: CentreKeyFolder?, log: EventLog) {
        self.folder = folder
        self.log = log
    }

    subscript(centre: String) -> CentreKey {
        known.withLock { known in
            if let key = known[centre] { return key }
            let key = made(centre)
            known[centre] = key
            return key
        }
    }

    private func made(_ centre: String) -> CentreKey {
        var reason = "no folder was named"
        if let folder {
            do { return try folder.key(ofCentre: centre) } catch let error as ArchiveError { reason = error.message } catch {
                reason = "\(type(of: error))"
            }
        }
        log(
            .warning, "key.not-kept",
            [
                "centre": centre, "reason": reason,
                "message": "patients get keys under a secret that ends with this process: other jobs give them others",
            ])
        return CentreKey()
    }
}
