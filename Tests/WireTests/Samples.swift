import Foundation
import Wire

/// One message of every kind, with values at the edges of their types.
enum Samples {
    static let digest = Data((0..<32).map { UInt8($0 * 7 & 255) })
    static let leases = [ShardLease(shard: 1, attempt: 1), ShardLease(shard: .max, attempt: .max)]

    static let all: [WireMessage] = [
        .hello(
            Hello(
                worker: "gpu-3", boot: Data(0..<16), slots: 4, centres: ["north", "süd"], stages: ["labels", "cam"],
                numericSetup: "avx512 oneDNN 2.6.3 fp32 threads 1", program: "endoked 0.1", host: "h", process: 42,
                held: leases)),
        .welcome(
            Welcome(epoch: 7, heartbeatInterval: .seconds(2), leaseDuration: .seconds(15), revoked: leases)),
        .refused(Refused(code: .unknownSession, reason: "say hello")),
        .want(limit: .max),
        .assign([
            AssignedShard(
                lease: leases[0], job: 3, stage: "mil-train", round: 2, key: "replica 5", centre: nil, seed: .max,
                input: Data("{\"a\":1}".utf8)),
            AssignedShard(
                lease: leases[1], job: 3, stage: "cam", round: 0, key: "k", centre: "north", seed: 0, input: Data(),
                fingerprint: Data("{}".utf8)),
        ]),
        .assign([]),
        .heartbeat(
            Heartbeat(
                sequence: 9,
                held: [
                    Heartbeat.Progress(lease: leases[0], done: 3, total: 10, isRunning: true),
                    Heartbeat.Progress(lease: leases[1]),
                ], limit: 12, isDraining: true, residentBytes: 1 << 40,
                troubles: [
                    Heartbeat.Trouble(centre: "north", job: 3, reason: "another archive", age: .seconds(7)),
                    Heartbeat.Trouble(centre: nil, job: nil, reason: "a slot does not return", age: .zero),
                ])),
        .heartbeatAck(HeartbeatAck(sequence: 9, revoked: leases, isLedgerAway: true, epoch: -1)),
        .results([
            ShardResult(
                lease: leases[0], rows: Data("[]".utf8), record: Data("{}".utf8),
                blobs: [ShardResult.Blob(digest: digest, size: 45_000_000)], computeMilliseconds: 17),
            ShardResult(
                lease: leases[1], rows: Data(),
                rowContents: [ShardResult.Blob(digest: digest, size: 4 << 20), ShardResult.Blob(digest: digest, size: 1)],
                record: Data()),
        ]),
        .acks([
            ShardAck(lease: leases[0], outcome: .accepted), ShardAck(lease: leases[1], outcome: .stale, reason: "late"),
        ]),
        .giveBack(leases, reason: "drain"),
        .failures([
            ShardFailure(lease: leases[0], code: "missing-input", message: "no labels", isInfrastructure: false)
        ]),
        .fetch([ContentPiece(digest: digest, offset: 1 << 20, length: 1 << 20)]),
        .content(ContentBytes(digest: digest, offset: 5, total: 10, bytes: Data([1, 2, 3, 4, 5]))),
        .content(ContentBytes(digest: digest, offset: 0, total: 0, bytes: Data())),
        .content(ContentBytes(digest: digest, offset: 5, total: 0, bytes: nil)),
        .drain(reason: "maintenance"),
        .goodbye(reason: ""),
        .statusQuery(request: 1, job: 0),
        .statusAnswer(request: 1, json: Data("{}".utf8), error: ""),
        .submitJob(SubmitJob(request: 2, pipeline: Data("{}".utf8), archive: "a", idempotencyKey: "k", centres: ["north"])),
        .jobAnswer(request: 2, job: 5, error: "no such stage"),
        .cancelJob(request: 3, job: 5, reason: "typing error"), .resumeJob(request: 4, job: 5),
        .requeueJob(request: 4, job: 5, stage: "cam"),
        .requeueAnswer(request: 4, count: 2, error: ""),
    ]
}

/// SplitMix64: random numbers that are the same in every run.
struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ value >> 30) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ value >> 27) &* 0x94D0_49BB_1331_11EB
        return value ^ value >> 31
    }
}
