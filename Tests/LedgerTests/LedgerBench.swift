import Foundation
import Ledger
import PostgreSQL
import Testing

/// What issue 3 promises of the ledger, measured: `ops/bench/ledger/run`. Too heavy for every test run.
@Suite(.serialized, .enabled(if: ProcessInfo.processInfo.environment["ENDOKED_BENCH"] != nil, "a bench: ops/bench/ledger/run"))
struct LedgerBench {
    @Test(arguments: [100, 500]) func noOpShards(batch: Int) throws {
        let test = try TestLedger()
        let total = 50_000
        let began = ContinuousClock.now
        try test.enqueue(total)
        let queued = ContinuousClock.now
        let cpuBefore = processorSeconds(test)
        var done = 0
        var claiming = Duration.zero
        while done < total {
            let start = ContinuousClock.now
            let shards = try test.claim(batch)
            claiming += ContinuousClock.now - start
            done += try test.ledger.commit(shards.map { $0.committed() }).filter { $0 == .accepted }.count
        }
        let seconds = (ContinuousClock.now - queued) / .seconds(1)
        print(
            "ledger bench: batches of \(batch): enqueued \(Int(Double(total) / ((queued - began) / .seconds(1))))/s,",
            "claimed and committed \(Int(Double(total) / seconds))/s (claiming \(Int(100 * (claiming / .seconds(1)) / seconds)) % of the time)"
        )
        let cpu = zip(processorSeconds(test), cpuBefore).map { $0 - $1 }
        print(
            "ledger bench: batches of \(batch): \(microseconds(cpu[0], total)) µs of this process and",
            "\(microseconds(cpu[1], total)) µs of PostgreSQL's a shard; load \(load)")
        #expect(try test.counts().kept.done == Int64(total))
        #expect(Double(total) / seconds > 5000)
    }

    /// What a busy machine does not change: processor time of this process, and of the writer's backend.
    private func processorSeconds(_ test: TestLedger) -> [Double] {
        var usage = rusage()
        getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        let own =
            Double(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec)
            + Double(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6
        var server = 0.0
        let backends = try? test.direct().execute(
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()")
        for row in backends.map(Array.init) ?? [] {
            guard let process = try? row.int32(0),
                let text = try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8),
                let fields = text.split(separator: ")").last?.split(separator: " "), fields.count > 12
            else { continue }
            // User and system time, in hundredths of a second (proc(5), fields 14 and 15).
            server += ((Double(fields[11]) ?? 0) + (Double(fields[12]) ?? 0)) / 100
        }
        return [own, server]
    }

    private func microseconds(_ seconds: Double, _ count: Int) -> Int { Int(seconds * 1e6 / Double(count)) }

    private var load: String {
        (try? String(contentsOfFile: "/proc/loadavg", encoding: .utf8))?.split(separator: " ").first.map(String.init) ?? "?"
    }

    @Test func statusOfAMillionShards() throws {
        let test = try TestLedger()
        let direct = try Connection(connectionString: test.connectionString, limits: patient)
        try test.ledger.register(WorkerRegistration(.a))
        try direct.executeScript(
            """
            INSERT INTO shard (job, stage, round, key, centre)
                SELECT 1, 'labels', 0, 'k' || i, 'centre ' || i % 3 FROM generate_series(1, 1000000) i;
            INSERT INTO shard_input (shard, input) SELECT id, '{}' FROM shard;
            UPDATE shard SET state = 'done' WHERE id % 2 = 0;
            ANALYZE;
            """)
        let held = try test.claim(500, centres: ["centre 0", "centre 1", "centre 2"])
        #expect(held.count == 500)
        _ = try test.ledger.commit(held.prefix(400).map { $0.committed() })
        var times = [Double]()
        for _ in 0..<20 {
            let start = ContinuousClock.now
            let status = try test.ledger.status()
            times.append((ContinuousClock.now - start) / .milliseconds(1))
            #expect(status.jobs.first?.stages.first?.counts.total == 1_000_000)
        }
        let claim = ContinuousClock.now
        _ = try test.claim(100, centres: ["centre 0", "centre 1", "centre 2"])
        let claimed = (ContinuousClock.now - claim) / .milliseconds(1)
        times.sort()
        print(
            "ledger bench: 1,000,000 shards: status median \(times[10].formatted()) ms, worst \(times[19].formatted()) ms;",
            "claim of 100: \(claimed.formatted()) ms")
        #expect(times[19] < 100)
    }

    private var patient: Connection.Limits {
        var limits = Connection.Limits()
        limits.statement = .seconds(600)
        return limits
    }
}

extension Double {
    fileprivate func formatted() -> String { String(format: "%.1f", self) }
}
