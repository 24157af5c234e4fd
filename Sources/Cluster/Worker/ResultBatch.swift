import Foundation
import Wire

/// Gathers what a worker has to say about its shards into messages of bounded size.
struct ResultBatch {
    private var messages: [WireMessage] = []
    private var results: [ShardResult] = []
    private var size = 0
    private var failures: [ShardFailure] = []
    private var returned: [ShardLease] = []

    mutating func add(_ lease: ShardLease, _ phase: LeaseTable.Phase) {
        switch phase {
        case .assigned: break
        case .finished(let result, _):
            let bytes = result.headerSizeInBytes
            if !results.isEmpty, size + bytes > WireProtocol.batchSizeInBytes || results.count >= Self.countLimit { flushResults() }
            results.append(result)
            size += bytes
        case .failed(let failure):
            failures.append(failure)
            if failures.count >= Self.countLimit { flushFailures() }
        case .returning: returned.append(lease)
        }
    }

    private static let countLimit = 512

    private mutating func flushResults() {
        guard !results.isEmpty else { return }
        messages.append(.results(results))
        results = []
        size = 0
    }

    private mutating func flushFailures() {
        guard !failures.isEmpty else { return }
        messages.append(.failures(failures))
        failures = []
    }

    /// Everything that was added, and nothing is left behind.
    mutating func finish() -> [WireMessage] {
        flushResults()
        flushFailures()
        if !returned.isEmpty { messages.append(.giveBack(returned, reason: "not begun")) }
        returned = []
        defer { messages = [] }
        return messages
    }
}
