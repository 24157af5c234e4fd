import Cluster
import Foundation
import Synchronization
import Testing

@Suite struct EventLogTests {
    @Test func anEventIsOneLineWhateverItsFieldsHold() throws {
        let lines = LogLines()
        lines.log(.info, "shard.failed", ["message": "two\nlines and a \"quote\"", "count": 3, "empty": ""])
        let line = try #require(lines.all.first)
        #expect(lines.all.count == 1)
        #expect(!line.contains("\n"))
        #expect(line.hasSuffix(#"info shard.failed message="two\nlines and a \"quote\"" count=3 empty="""#))
    }

    @Test func everyLineHasItsDateAndItsZone() throws {
        let lines = LogLines()
        let before = Date()
        lines.log(.info, "a")
        let stamp = try #require(lines.all.first?.prefix { $0 != " " })
        let date = try Date(String(stamp), strategy: Date.ISO8601FormatStyle(includingFractionalSeconds: true))
        #expect(stamp.hasSuffix("Z") && abs(date.timeIntervalSince(before)) < 60, "\(stamp)")
    }

    @Test func whatIsBelowTheLevelIsNotWritten() {
        let written = Mutex(0)
        let count: @Sendable () -> Void = { written.withLock { $0 += 1 } }
        let log = EventLog(level: .warning) { _ in count() }
        log(.info, "a")
        log(.warning, "b")
        log(.error, "c")
        #expect(written.withLock { $0 } == 2)
    }
}
