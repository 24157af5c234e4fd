import Ledger
import Testing

struct ThroughputTests {
    @Test func anHourOfSlowShardsGivesASteadyRate() throws {
        // A shard every 100 seconds since 1,000; at 2,005 the last minute has seen the one of 2,000 and no other.
        let buckets = stride(from: 2000.0, through: 1100, by: -100).map { Throughput.Bucket(start: $0, shards: 1, items: 7) }
        let rate = try #require(Throughput(buckets: buckets, stageStart: 1000, now: 2005))
        #expect(abs(rate.shardsPerSecond - 10.0 / 1005) < 1e-9)
        #expect(abs(rate.itemsPerSecond - 70.0 / 1005) < 1e-9)
        // An eleventh shard bounds the time of the ten after it.
        let eleven = buckets + [Throughput.Bucket(start: 1000, shards: 1, items: 7)]
        let bounded = try #require(Throughput(buckets: eleven, stageStart: 0, now: 2005))
        #expect(abs(bounded.shardsPerSecond - 10.0 / (2005 - 1010)) < 1e-9)
    }

    @Test func theFirstShardCountsTheTimeItTook() throws {
        let rate = try #require(
            Throughput(buckets: [.init(start: 500, shards: 1, items: 1)], stageStart: 403, now: 503))
        #expect(abs(rate.shardsPerSecond - 0.01) < 1e-9)
    }

    @Test func aBusyMinuteStandsForItself() throws {
        let busy = stride(from: 1050.0, through: 1000, by: -10).map { Throughput.Bucket(start: $0, shards: 20, items: 20) }
        // An hour's pause before it, and another pace before that.
        let rate = try #require(
            Throughput(buckets: busy + [.init(start: -2600, shards: 900, items: 900)], stageStart: -5000, now: 1060))
        #expect(abs(rate.shardsPerSecond - 2) < 1e-9)
    }

    @Test func nothingDoneHasNoRate() {
        #expect(Throughput(buckets: [], stageStart: 0, now: 100) == nil)
    }
}
