import Foundation
import Stages
import Synchronization
import Wire

/// Looks after the centres whose archives a worker reads: slots ask before and after each shard, and a thread looks every
/// few seconds, so that trouble shows, and ends, without any shard.
///
/// Trouble with an archive as a whole is the host's: the worker says so and takes no shards of the centre meanwhile.
final class CentreWatch: Sendable {
    private struct State {
        var health = CentreHealth()
        /// By job and centre, as the coordinator gave them.
        var fingerprints: [CentreHealth.Key: CentreFingerprint] = [:]
        /// The folder's stamp when it was found to hold the job's archive.
        var verified: [CentreHealth.Key: String] = [:]
    }

    private let centres: [String: URL]
    private let log: EventLog
    private let state = Mutex(State())

    init(centres: [String: URL], log: EventLog) {
        self.centres = centres
        self.log = log
    }

    /// Grows whenever there is something new to tell the coordinator.
    var version: UInt64 { state.withLock { $0.health.version } }

    /// All troubles, for a heartbeat.
    func troubles(now: Instant) -> [Heartbeat.Trouble] {
        state.withLock { $0.health.troubles }.map { key, trouble in
            Heartbeat.Trouble(centre: key.centre, job: key.job, reason: trouble.reason, age: now - trouble.since)
        }.sorted { ($0.centre ?? "", $0.job ?? 0) < ($1.centre ?? "", $1.job ?? 0) }
    }

    /// The coordinator says what a job's centre is recognised by.
    func learn(from shards: [AssignedShard]) {
        for shard in shards {
            guard let centre = shard.centre, let bytes = shard.fingerprint else { continue }
            guard let fingerprint = try? JSONDecoder().decode(CentreFingerprint.self, from: bytes) else {
                log(.warning, "fingerprint.unknown", ["centre": centre, "job": shard.job])
                continue
            }
            state.withLock { $0.fingerprints[.init(centre: centre, job: shard.job)] = fingerprint }
        }
    }

    /// Looks whether shards of a job's centre can be worked on. Blocks as long as the file system does.
    ///
    /// - Parameter thoroughly: compare with the job's fingerprint even if folder and tables are as they were.
    /// - Returns: whether there is trouble.
    func hasTrouble(_ centre: String, job: Int64, thoroughly: Bool = false) -> Bool {
        // A centre that this worker was not given is no trouble of its archive.
        guard let folder = centres[centre] else { return false }
        guard let stamp = look(at: centre, folder) else { return true }
        let key = CentreHealth.Key(centre: centre, job: job)
        let (fingerprint, verified) = state.withLock { ($0.fingerprints[key], $0.verified[key]) }
        guard let fingerprint, thoroughly || verified != stamp else { return false }
        let mismatch = fingerprint.mismatch(in: folder, centre: centre)
        state.withLock { $0.verified[key] = mismatch == nil ? stamp : nil }
        note(key, mismatch)
        return mismatch != nil
    }

    /// Whether trouble was seen since `time`.
    func wasInTrouble(_ centre: String, job: Int64, since time: Instant) -> Bool {
        state.withLock { $0.health.wasInTrouble(centre, job: job, since: time) }
    }

    /// Looks at all centres, and again at those that hold another archive than a job's.
    func lookAtAll() {
        for (centre, folder) in centres.sorted(by: { $0.key < $1.key }) {
            guard look(at: centre, folder) != nil else { continue }
            let jobs = state.withLock { $0.health.troubles.keys.filter { $0.centre == centre }.compactMap(\.job) }
            for job in jobs { _ = hasTrouble(centre, job: job, thoroughly: true) }
        }
    }

    /// The folder's stamp; nil, and noted, when it is away.
    private func look(at centre: String, _ folder: URL) -> String? {
        switch CentreFolder.look(at: folder) {
        case .there(let stamp):
            note(.init(centre: centre), nil)
            return stamp
        case .away(let reason):
            note(.init(centre: centre), reason)
            return nil
        }
    }

    private func note(_ key: CentreHealth.Key, _ reason: String?) {
        let change = state.withLock { $0.health.found(key, reason, now: .now) }
        let job = key.job.map(String.init) ?? "all"
        switch change {
        case .away(let reason):
            log(
                .warning, "centre.away",
                [
                    "centre": key.centre, "job": job, "reason": reason,
                    "consequence": "its shards go back, and none are taken until it is there again",
                ])
        case .back(let duration):
            log(.info, "centre.back", ["centre": key.centre, "job": job, "seconds": duration.inSeconds.rounded()])
        case nil: break
        }
    }
}
