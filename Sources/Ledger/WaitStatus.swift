/// What queued shards wait for that does not come by itself.
public struct WaitStatus: Codable, Hashable, Sendable {
    /// A short stable word: `centre` (nobody serves it now), `setup` (nobody has the numeric setup), `workers` (none is there).
    public var kind: String
    public var stage: String
    /// The centre; nil where it does not matter.
    public var centre: String?
    /// For people: what is waited for, why, and what to do.
    public var message: String
    /// Seconds since 1970 by the database's clock.
    public var since: Double

    public init(kind: String, stage: String, centre: String?, message: String, since: Double) {
        self.kind = kind
        self.stage = stage
        self.centre = centre
        self.message = message
        self.since = since
    }
}

/// Finds what shards wait for, from what is queued and who is there. A value without I/O.
package struct WaitFinder {
    /// Queued shards of one stage and centre.
    package struct Open {
        package var stage: String
        /// "" when any worker may take them.
        package var centre: String
        /// Since when the first of them could be worked on.
        package var since: Double
        /// The numeric setup that they need; nil when any will do.
        package var setup: String?

        package init(stage: String, centre: String, since: Double, setup: String?) {
            (self.stage, self.centre, self.since, self.setup) = (stage, centre, since, setup)
        }
    }

    package struct Worker {
        package var name: String
        package var isActive: Bool
        package var centres: [String]
        package var setup: String
        package var troubles: [WorkerTrouble]
        /// When it was heard last.
        package var seenAt: Double

        package init(
            name: String, isActive: Bool, centres: [String], setup: String, troubles: [WorkerTrouble] = [], seenAt: Double
        ) {
            (self.name, self.isActive, self.centres, self.setup) = (name, isActive, centres, setup)
            (self.troubles, self.seenAt) = (troubles, seenAt)
        }
    }

    package var job: Int64
    package var workers: [Worker]

    package init(job: Int64, workers: [Worker]) {
        self.job = job
        self.workers = workers
    }

    package func waits(for open: [Open]) -> [WaitStatus] {
        guard workers.contains(where: \.isActive) else {
            guard let first = open.min(by: { $0.since < $1.since }) else { return [] }
            let last = workers.max { $0.seenAt < $1.seenAt }
            return [
                WaitStatus(
                    kind: "workers", stage: first.stage, centre: nil,
                    message: "no worker is connected" + (last.map { "; the last to leave was \($0.name)" } ?? "")
                        + ": start one (endoked worker)",
                    since: max(first.since, last?.seenAt ?? 0))
            ]
        }
        return open.compactMap { centre($0) ?? setup($0) }
    }

    private func trouble(of worker: Worker, centre: String) -> WorkerTrouble? {
        worker.troubles.first { $0.centre == centre && ($0.job == nil || $0.job == job) }
    }

    private func canRead(_ worker: Worker, _ centre: String) -> Bool {
        centre.isEmpty || worker.centres.contains(centre) && trouble(of: worker, centre: centre) == nil
    }

    private func centre(_ open: Open) -> WaitStatus? {
        guard !open.centre.isEmpty, !workers.contains(where: { $0.isActive && canRead($0, open.centre) }) else { return nil }
        let serving = workers.filter { $0.centres.contains(open.centre) }
        let (why, since): (String, Double)
        if let troubled = serving.first(where: \.isActive), let trouble = trouble(of: troubled, centre: open.centre) {
            (why, since) = ("worker \(troubled.name) does not take its shards: \(trouble.reason)", trouble.since)
        } else if let last = serving.max(by: { $0.seenAt < $1.seenAt }) {
            (why, since) = ("worker \(last.name), which serves it, is gone: start it again", last.seenAt)
        } else {
            let known = Set(workers.filter(\.isActive).flatMap(\.centres)).sorted()
            let near = Spelling.nearest(to: open.centre, among: known)
            why =
                "no worker serves it; those connected serve \(known.isEmpty ? "none" : known.joined(separator: ", "))"
                + (near.map { ": was \($0) meant?" } ?? ": start one with --centre \(open.centre)=FOLDER")
            since = 0
        }
        return WaitStatus(
            kind: "centre", stage: open.stage, centre: open.centre, message: "centre \(open.centre): \(why)",
            since: max(open.since, since))
    }

    private func setup(_ open: Open) -> WaitStatus? {
        guard let setup = open.setup,
            !workers.contains(where: { $0.isActive && $0.setup == setup && canRead($0, open.centre) })
        else { return nil }
        let had = workers.filter { $0.setup == setup }.max { $0.seenAt < $1.seenAt }
        let others = workers.filter { $0.isActive && canRead($0, open.centre) }
            .map { "\($0.name) has \($0.setup)" }.sorted()
        return WaitStatus(
            kind: "setup", stage: open.stage, centre: open.centre.isEmpty ? nil : open.centre,
            message: "stage \(open.stage): its shards need the numeric setup that the job began with, \(setup); "
                + (had.map { "worker \($0.name), which has it, is gone" } ?? "no worker has it")
                + "; " + others.joined(separator: ", ") + ": start a worker on such a host again",
            since: max(open.since, had?.seenAt ?? 0))
    }
}

/// What somebody may have meant.
public enum Spelling {
    /// The candidate within two edits of `word` (Levenshtein), the nearest first; a swap of neighbours counts as two.
    public static func nearest(to word: String, among candidates: [String]) -> String? {
        candidates.map { ($0, distance(word, $0)) }.filter { $0.1 <= 2 }.min { $0.1 < $1.1 }?.0
    }

    private static func distance(_ left: String, _ right: String) -> Int {
        let a = Array(left), b = Array(right)
        var row = Array(0...b.count)
        for i in 0..<a.count {
            var diagonal = row[0]
            row[0] = i + 1
            for j in 0..<b.count {
                let substituted = diagonal + (a[i] == b[j] ? 0 : 1)
                diagonal = row[j + 1]
                row[j + 1] = min(substituted, min(row[j], row[j + 1]) + 1)
            }
        }
        return row[b.count]
    }
}
