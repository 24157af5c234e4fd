import Foundation
import Ledger
import PostgreSQL
import Synchronization
import Testing

/// PostgreSQL itself goes down and comes back, with a server of its own.
@Suite struct RestartTests {
    @Test func commitsGoOnAfterPostgreSQLCrashes() throws {
        let folder = URL(fileURLWithPath: "/tmp/endoked-restart-\(UUID().uuidString.prefix(8))")
        let server = try PrivateServer(stateFolder: folder)
        defer {
            try? server.stop()
            try? FileManager.default.removeItem(at: folder)
        }
        let ledger = Ledger(connectionString: try server.start())
        try ledger.migrate()
        _ = try ledger.acquireLeadership(holder: "one", timeToLive: .seconds(60), grace: .zero)
        let job = try ledger.createJob(pipeline: Data("{}".utf8), seed: 1, archive: "", steps: [NewStep("s")])
        try ledger.enqueue(
            job: job, stage: "s", round: 0,
            shards: (0..<300).map { NewShard(key: "\($0)", centre: "", input: Data("{}".utf8)) })
        let crashed = Atomic<Bool>(false)
        let counts = try onThreads(2) { thread -> [CommitOutcome: Int] in
            guard thread == 0 else {
                // Once some are committed: a crash in the middle of the others.
                while try ledger.persist(for: .seconds(20), { try $0.counts(job: job, stage: "s") }).done < 20 {}
                if let process = server.process { kill(process, SIGKILL) }
                while server.isRunning { Thread.sleep(forTimeInterval: 0.01) }
                crashed.store(true, ordering: .releasing)
                try server.start()
                return [:]
            }
            var outcomes = [CommitOutcome: Int]()
            while true {
                let shards = try ledger.persist(for: .seconds(30)) {
                    try $0.claim(worker: .a, centres: [], setup: "", limit: 3, leaseDuration: .seconds(60))
                }
                let done = try ledger.persist(for: .seconds(30)) { try $0.commit(shards.map { $0.committed() }) }
                for outcome in done { outcomes[outcome, default: 0] += 1 }
                // The last wait for the crash, so that it cannot come too late to matter.
                if shards.isEmpty, crashed.load(ordering: .acquiring) { return outcomes }
                if !crashed.load(ordering: .acquiring) { Thread.sleep(forTimeInterval: 0.002) }
            }
        }.reduce(into: [:]) { $0.merge($1) { $0 + $1 } }
        // A claim that was written but never answered stays leased until its time runs out: nothing is lost.
        let leased = try ledger.counts(job: job, stage: "s").leased
        #expect(leased <= 3)
        #expect((counts[.accepted] ?? 0) + (counts[.duplicate] ?? 0) + Int(leased) == 300)
        #expect(try ledger.shardRecords(job: job, stage: "s", round: 0).count == 300 - Int(leased))
        #expect(counts.keys.allSatisfy { $0 == .accepted || $0 == .duplicate })
        #expect(try ledger.renewLeadership().epoch == 1, "the epoch is durable")
    }
}
