import CProtobuf
import Foundation

extension WireMessage {
    /// The bodies that carry shards.
    static func readShards(_ envelope: Endoked__Envelope) throws(WireError) -> WireMessage {
        switch envelope.body_case {
        case ENDOKED__ENVELOPE__BODY_ASSIGN:
            let assign = try body(envelope.assign)
            return .assign(
                try FieldReader.list(assign.shards, assign.n_shards, "assign.shards") { (shard) throws(WireError) in
                    try AssignedShard(reading: shard.pointee)
                })
        case ENDOKED__ENVELOPE__BODY_RESULTS:
            let results = try body(envelope.results)
            return .results(
                try FieldReader.list(results.results, results.n_results, "results") { (result) throws(WireError) in
                    try ShardResult(reading: result.pointee)
                })
        case ENDOKED__ENVELOPE__BODY_ACKS:
            let acks = try body(envelope.acks)
            return .acks(
                try FieldReader.list(acks.acks, acks.n_acks, "acks") { (ack) throws(WireError) in
                    let lease = try FieldReader.lease(ack.pointee.lease, "acks")
                    let number = Int32(truncatingIfNeeded: ack.pointee.outcome.rawValue)
                    guard let outcome = ShardAck.Outcome(rawValue: number) else {
                        throw WireError(.malformed, "acks: an outcome that this version does not know")
                    }
                    return ShardAck(
                        lease: lease, outcome: outcome, reason: try FieldReader.text(ack.pointee.reason, "acks.reason"))
                })
        case ENDOKED__ENVELOPE__BODY_GIVE_BACK:
            let giveBack = try body(envelope.give_back)
            return .giveBack(
                try FieldReader.leases(giveBack.leases, giveBack.n_leases, "give_back.leases"),
                reason: try FieldReader.text(giveBack.reason, "give_back.reason"))
        default:
            let failures = try body(envelope.failures)
            return .failures(
                try FieldReader.list(failures.failures, failures.n_failures, "failures") { (entry) throws(WireError) in
                    ShardFailure(
                        lease: try FieldReader.lease(entry.pointee.lease, "failures"),
                        code: try FieldReader.name(entry.pointee.code, "failures.code"),
                        message: try FieldReader.text(entry.pointee.message, "failures.message"),
                        isInfrastructure: entry.pointee.infrastructure != 0)
                })
        }
    }
}

extension AssignedShard {
    init(reading shard: Endoked__Shard) throws(WireError) {
        self.init(
            lease: try FieldReader.lease(shard.lease, "assign"), job: shard.job,
            stage: try FieldReader.name(shard.stage, "shard.stage"),
            kind: try FieldReader.optionalName(shard.kind, "shard.kind"), round: shard.round,
            key: try FieldReader.name(shard.key, "shard.key"),
            centre: shard.has_centre == 0 ? nil : try FieldReader.name(shard.centre, "shard.centre"), seed: shard.seed,
            input: FieldReader.bytes(shard.input),
            fingerprint: shard.fingerprint.len == 0 ? nil : FieldReader.bytes(shard.fingerprint))
    }
}

extension ShardResult {
    init(reading result: Endoked__Results__Result) throws(WireError) {
        guard result.record.len <= WireProtocol.recordSizeInBytes else {
            throw WireError(
                .tooLarge, "a record of \(result.record.len) bytes; at most \(WireProtocol.recordSizeInBytes)")
        }
        let rowContents = try Self.blobs(result.row_contents, result.n_row_contents, "results.row_contents")
        self.init(
            lease: try FieldReader.lease(result.lease, "results"),
            rows: rowContents.isEmpty ? FieldReader.bytes(result.rows) : Data(), rowContents: rowContents,
            record: FieldReader.bytes(result.record),
            blobs: try Self.blobs(result.blobs, result.n_blobs, "results.blobs"),
            computeMilliseconds: result.compute_milliseconds)
    }

    /// What stands in the field `rows` of a result whose rows are contents: no JSON, so that a program that does not know
    /// of them refuses the result.
    static let rowsElsewhere = Data("contents".utf8)

    private static func blobs(
        _ pointer: UnsafeMutablePointer<UnsafeMutablePointer<Endoked__Results__Blob>?>?, _ count: Int, _ field: String
    ) throws(WireError) -> [Blob] {
        try FieldReader.list(pointer, count, field) { (blob) throws(WireError) in
            guard blob.pointee.size <= WireProtocol.contentSizeInBytes else {
                throw WireError(.tooLarge, "a content of \(blob.pointee.size) bytes")
            }
            return Blob(digest: try FieldReader.digest(blob.pointee.digest, field), size: blob.pointee.size)
        }
    }
}
