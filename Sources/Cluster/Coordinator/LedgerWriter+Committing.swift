import Digest
import Foundation
import Ledger
import Stages
import Wire

/// Group commit: all results that are at hand, from all workers, in one transaction.
extension LedgerWriter {
    /// The most results of one transaction.
    private static let groupSize = 2048

    mutating func commit(_ results: inout [(ShardResult, Data)]) throws {
        defer { results = [] }
        // Rows that came as contents may be a whole archive's: one such result at a time.
        let light = results.filter { $0.0.rowContents.isEmpty }
        for start in stride(from: 0, to: light.count, by: Self.groupSize) {
            try commit(light[start..<min(start + Self.groupSize, light.count)])
        }
        for result in results where !result.0.rowContents.isEmpty { try commit([result]) }
    }

    private mutating func commit(_ group: ArraySlice<(ShardResult, Data)>) throws {
        var commits: [(ShardCommit, ShardResult, Data)] = []
        var invalid: [(ShardLease, Data, String)] = []
        for (result, connection) in group {
            // A connection that is gone: its worker says hello again and repeats what was not acknowledged.
            guard let worker = incarnation(at: connection) else { continue }
            roster.finished(result.lease, at: connection, seconds: max(0.0005, Double(result.computeMilliseconds) / 1000))
            do {
                let rows = try rows(of: result)
                commits.append((try Self.offer(result, rows, worker), result, connection))
            } catch let error as LedgerError where error.code == .missingBlob || error.code == .corruptBlob {
                let failure = ShardFailure(
                    lease: result.lease, code: "missing-content", message: "the shard's rows: \(error.message)", isInfrastructure: true)
                try fail([failure], connection)
            } catch let error as LedgerError {
                throw error
            } catch let error as ClusterError {
                invalid.append((result.lease, connection, error.message))
            } catch {
                // What JSON refuses it may quote.
                invalid.append((result.lease, connection, "its rows cannot be read: use programs of the same release"))
            }
        }
        var acks: [Data: [ShardAck]] = [:]
        if !commits.isEmpty {
            let offers = commits.map(\.0)
            let outcomes = try persist { try $0.commit(offers) }
            count { $0.commitGroups += 1 }
            for ((_, result, connection), outcome) in zip(commits, outcomes) {
                switch outcome {
                case .accepted: acks[connection, default: []].append(ShardAck(lease: result.lease, outcome: .accepted))
                case .duplicate: acks[connection, default: []].append(ShardAck(lease: result.lease, outcome: .duplicate))
                case .stale:
                    acks[connection, default: []].append(
                        ShardAck(lease: result.lease, outcome: .stale, reason: "the lease had ended"))
                case .invalid(let reason): invalid.append((result.lease, connection, reason))
                }
            }
            count { counters in
                for outcome in outcomes {
                    switch outcome {
                    case .accepted: counters.acceptedResults += 1
                    case .duplicate: counters.duplicateResults += 1
                    case .stale: counters.staleResults += 1
                    case .invalid: break
                    }
                }
            }
        }
        for (connection, acks) in acks { acknowledge(acks, connection) }
        for (lease, connection, reason) in invalid { try refuse(lease, connection, reason) }
    }

    /// A result that cannot be written counts as the shard's failure.
    mutating func refuse(_ lease: ShardLease, _ connection: Data, _ reason: String) throws {
        guard let worker = incarnation(at: connection) else { return }
        let retry = retry
        _ = try persist { ledger in
            try ledger.fail(
                LeaseKey(lease), worker: worker, code: "invalid-result", error: reason, isInfrastructureLoss: false,
                policy: retry)
        }
        count { $0.invalidResults += 1 }
        log(.warning, "result.invalid", ["lease": lease, "worker": worker.name, "reason": reason])
        acknowledge([ShardAck(lease: lease, outcome: .invalid, reason: reason)], connection)
    }

    /// The result's rows, from its header or from the contents that came before it.
    private mutating func rows(of result: ShardResult) throws -> [LedgerRow] {
        func read(_ data: Data) throws -> [LedgerRow] {
            try JSONDecoder().decode([Stages.ResultRow].self, from: data).map { try LedgerRow($0) }
        }
        guard !result.rowContents.isEmpty else { return result.rows.isEmpty ? [] : try read(result.rows) }
        var rows: [LedgerRow] = []
        for content in result.rowContents {
            guard let digest = SHA256Digest(bytes: content.digest) else {
                throw ClusterError(.invalid, "a digest of \(content.digest.count) bytes")
            }
            rows += try read(try persist { try $0.blob(digest) })
        }
        return rows
    }

    private static func offer(_ result: ShardResult, _ rows: [LedgerRow], _ worker: WorkerIncarnation) throws -> ShardCommit {
        ShardCommit(
            lease: LeaseKey(result.lease), worker: worker, record: result.record.isEmpty ? Data("{}".utf8) : result.record,
            rows: rows,
            blobs: try result.blobs.map { blob in
                guard let digest = SHA256Digest(bytes: blob.digest) else {
                    throw ClusterError(.invalid, "a digest of \(blob.digest.count) bytes")
                }
                return digest
            })
    }
}
