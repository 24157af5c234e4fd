import CProtobuf
import Foundation

extension WireMessage {
    /// The bodies that carry shards.
    func fillShards(_ envelope: inout Endoked__Envelope, _ arena: Arena) {
        switch self {
        case .assign(let shards):
            envelope.body_case = ENDOKED__ENVELOPE__BODY_ASSIGN
            envelope.assign = arena.message(endoked__assign__init) {
                $0.n_shards = shards.count
                $0.shards = arena.array(shards.map { Optional(Self.shard($0, arena)) })
            }
        case .results(let results):
            envelope.body_case = ENDOKED__ENVELOPE__BODY_RESULTS
            envelope.results = arena.message(endoked__results__init) {
                $0.n_results = results.count
                $0.results = arena.array(results.map { Optional(Self.result($0, arena)) })
            }
        case .acks(let acks):
            envelope.body_case = ENDOKED__ENVELOPE__BODY_ACKS
            envelope.acks = arena.message(endoked__acks__init) {
                $0.n_acks = acks.count
                $0.acks = arena.array(
                    acks.map { ack in
                        Optional(
                            arena.message(endoked__acks__ack__init) {
                                $0.lease = arena.lease(ack.lease)
                                $0.outcome = Endoked__Acks__Outcome(rawValue: numericCast(ack.outcome.rawValue))
                                $0.reason = arena.string(ack.reason)
                            })
                    })
            }
        case .giveBack(let leases, let reason):
            envelope.body_case = ENDOKED__ENVELOPE__BODY_GIVE_BACK
            envelope.give_back = arena.message(endoked__give_back__init) {
                $0.n_leases = leases.count
                $0.leases = arena.leases(leases)
                $0.reason = arena.string(reason)
            }
        case .failures(let failures):
            envelope.body_case = ENDOKED__ENVELOPE__BODY_FAILURES
            envelope.failures = arena.message(endoked__failures__init) {
                $0.n_failures = failures.count
                $0.failures = arena.array(
                    failures.map { failure in
                        Optional(
                            arena.message(endoked__failures__failure__init) {
                                $0.lease = arena.lease(failure.lease)
                                $0.code = arena.string(failure.code)
                                $0.message = arena.string(failure.message)
                                $0.infrastructure = failure.isInfrastructure ? 1 : 0
                            })
                    })
            }
        default: break
        }
    }

    private static func shard(_ shard: AssignedShard, _ arena: Arena) -> UnsafeMutablePointer<Endoked__Shard> {
        arena.message(endoked__shard__init) {
            $0.lease = arena.lease(shard.lease)
            $0.job = shard.job
            $0.stage = arena.string(shard.stage)
            if shard.kind != shard.stage { $0.kind = arena.string(shard.kind) }
            $0.round = shard.round
            $0.key = arena.string(shard.key)
            $0.has_centre = shard.centre == nil ? 0 : 1
            if let centre = shard.centre { $0.centre = arena.string(centre) }
            $0.seed = shard.seed
            $0.input = arena.bytes(shard.input)
            if let fingerprint = shard.fingerprint { $0.fingerprint = arena.bytes(fingerprint) }
        }
    }

    private static func result(
        _ result: ShardResult, _ arena: Arena
    ) -> UnsafeMutablePointer<Endoked__Results__Result> {
        arena.message(endoked__results__result__init) {
            $0.lease = arena.lease(result.lease)
            $0.rows = arena.bytes(result.rowContents.isEmpty ? result.rows : ShardResult.rowsElsewhere)
            $0.record = arena.bytes(result.record)
            $0.n_blobs = result.blobs.count
            $0.blobs = blobs(result.blobs, arena)
            $0.n_row_contents = result.rowContents.count
            $0.row_contents = blobs(result.rowContents, arena)
            $0.compute_milliseconds = result.computeMilliseconds
        }
    }

    private static func blobs(
        _ blobs: [ShardResult.Blob], _ arena: Arena
    ) -> UnsafeMutablePointer<UnsafeMutablePointer<Endoked__Results__Blob>?>? {
        arena.array(
            blobs.map { blob in
                Optional(
                    arena.message(endoked__results__blob__init) {
                        $0.digest = arena.bytes(blob.digest)
                        $0.size = blob.size
                    })
            })
    }
}
