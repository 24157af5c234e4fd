import Cluster
import Foundation
import Testing

@Suite struct NoOpBenchmarkTests {
    @Test func everyShardOfABenchmarkIsCommittedOnce() throws {
        let shards = ProcessInfo.processInfo.environment["ENDOKED_BENCH"].flatMap(Int.init) ?? 2000
        let outcome = try NoOpBenchmark.run(database: try TestDatabase.make(), shards: shards)
        #expect(outcome.counters.acceptedResults == shards)
        #expect(outcome.counters.staleResults == 0)
        #expect(outcome.counters.lostLeases == 0)
        if shards > 2000 { print("no-op shards durably committed a second: \(Int(outcome.shardsPerSecond)) \(outcome.counters)") }
    }
}
