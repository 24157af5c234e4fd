import CProtobuf
import Foundation

extension WireMessage {
    /// The header frame and the payload frames that follow it.
    public func encoded() -> (header: Data, payload: [Data]) {
        let arena = Arena()
        let envelope = arena.message(endoked__envelope__init)
        envelope.pointee.version = WireProtocol.version
        let payload = fill(&envelope.pointee, arena)
        return (Self.pack(envelope), payload)
    }

    private static func pack(_ envelope: UnsafeMutablePointer<Endoked__Envelope>) -> Data {
        var header = Data(count: endoked__envelope__get_packed_size(envelope))
        header.withUnsafeMutableBytes { buffer in
            _ = endoked__envelope__pack(envelope, buffer.bindMemory(to: UInt8.self).baseAddress)
        }
        return header
    }

    /// Sets the body, and returns the payload.
    private func fill(_ envelope: inout Endoked__Envelope, _ arena: Arena) -> [Data] {
        switch self {
        case .hello, .welcome, .refused, .want, .heartbeat, .heartbeatAck, .drain, .goodbye:
            fillSession(&envelope, arena)
        case .assign, .results, .acks, .giveBack, .failures:
            fillShards(&envelope, arena)
        case .fetch(let pieces):
            envelope.body_case = ENDOKED__ENVELOPE__BODY_FETCH
            envelope.fetch = arena.message(endoked__fetch__init) {
                $0.n_pieces = pieces.count
                $0.pieces = arena.array(
                    pieces.map { piece in
                        Optional(
                            arena.message(endoked__fetch__piece__init) {
                                $0.digest = arena.bytes(piece.digest)
                                $0.offset = piece.offset
                                $0.length = piece.length
                            })
                    })
            }
        case .content(let content):
            envelope.body_case = ENDOKED__ENVELOPE__BODY_CONTENT
            envelope.content = arena.message(endoked__content__init) {
                $0.digest = arena.bytes(content.digest)
                $0.offset = content.offset
                $0.total = content.total
                $0.missing = content.bytes == nil ? 1 : 0
            }
            return content.bytes.map { [$0] } ?? []
        case .statusQuery, .statusAnswer, .submitJob, .jobAnswer, .cancelJob, .resumeJob, .requeueJob, .requeueAnswer:
            fillClient(&envelope, arena)
        }
        return []
    }

    private func fillSession(_ envelope: inout Endoked__Envelope, _ arena: Arena) {
        switch self {
        case .hello(let hello):
            envelope.body_case = ENDOKED__ENVELOPE__BODY_HELLO
            envelope.hello = arena.message(endoked__hello__init) {
                $0.lowest_version = hello.lowestVersion
                $0.highest_version = hello.highestVersion
                $0.worker = arena.string(hello.worker)
                $0.boot = arena.bytes(hello.boot)
                $0.slots = hello.slots
                $0.n_centres = hello.centres.count
                $0.centres = arena.strings(hello.centres)
                $0.n_stages = hello.stages.count
                $0.stages = arena.strings(hello.stages)
                $0.numeric_setup = arena.string(hello.numericSetup)
                $0.program = arena.string(hello.program)
                $0.host = arena.string(hello.host)
                $0.process = hello.process
                $0.n_held = hello.held.count
                $0.held = arena.leases(hello.held)
            }
        case .welcome(let welcome):
            envelope.body_case = ENDOKED__ENVELOPE__BODY_WELCOME
            envelope.welcome = arena.message(endoked__welcome__init) {
                $0.version = welcome.version
                $0.epoch = welcome.epoch
                $0.heartbeat_interval = welcome.heartbeatInterval.wireMilliseconds
                $0.lease_duration = welcome.leaseDuration.wireMilliseconds
                $0.n_revoked = welcome.revoked.count
                $0.revoked = arena.leases(welcome.revoked)
            }
        case .refused(let refused):
            envelope.body_case = ENDOKED__ENVELOPE__BODY_REFUSED
            envelope.refused = arena.message(endoked__refused__init) {
                $0.code = Endoked__Refused__Code(rawValue: numericCast(refused.code.rawValue))
                $0.reason = arena.string(refused.reason)
                $0.lowest_version = WireProtocol.version
                $0.highest_version = WireProtocol.version
            }
        case .want(let limit):
            envelope.body_case = ENDOKED__ENVELOPE__BODY_WANT
            envelope.want = arena.message(endoked__want__init) { $0.limit = limit }
        case .heartbeat(let heartbeat):
            envelope.body_case = ENDOKED__ENVELOPE__BODY_HEARTBEAT
            envelope.heartbeat = arena.message(endoked__heartbeat__init) {
                $0.sequence = heartbeat.sequence
                $0.n_held = heartbeat.held.count
                $0.held = arena.array(
                    heartbeat.held.map { progress in
                        Optional(
                            arena.message(endoked__heartbeat__progress__init) {
                                $0.lease = arena.lease(progress.lease)
                                $0.done = progress.done
                                $0.total = progress.total
                                $0.running = progress.isRunning ? 1 : 0
                            })
                    })
                $0.limit = heartbeat.limit
                $0.draining = heartbeat.isDraining ? 1 : 0
                $0.resident_bytes = heartbeat.residentBytes
                $0.n_troubles = heartbeat.troubles.count
                $0.troubles = arena.array(
                    heartbeat.troubles.map { trouble in
                        Optional(
                            arena.message(endoked__heartbeat__trouble__init) {
                                $0.centre = arena.string(trouble.centre ?? "")
                                $0.job = trouble.job ?? 0
                                $0.reason = arena.string(trouble.reason)
                                $0.age = UInt64(trouble.age.wireMilliseconds)
                            })
                    })
            }
        case .heartbeatAck(let ack):
            envelope.body_case = ENDOKED__ENVELOPE__BODY_HEARTBEAT_ACK
            envelope.heartbeat_ack = arena.message(endoked__heartbeat_ack__init) {
                $0.sequence = ack.sequence
                $0.n_revoked = ack.revoked.count
                $0.revoked = arena.leases(ack.revoked)
                $0.ledger_away = ack.isLedgerAway ? 1 : 0
                $0.epoch = ack.epoch
            }
        case .drain(let reason):
            envelope.body_case = ENDOKED__ENVELOPE__BODY_DRAIN
            envelope.drain = arena.message(endoked__drain__init) { $0.reason = arena.string(reason) }
        case .goodbye(let reason):
            envelope.body_case = ENDOKED__ENVELOPE__BODY_GOODBYE
            envelope.goodbye = arena.message(endoked__goodbye__init) { $0.reason = arena.string(reason) }
        default: break
        }
    }

    private func fillClient(_ envelope: inout Endoked__Envelope, _ arena: Arena) {
        switch self {
        case .statusQuery(let request, let job):
            envelope.body_case = ENDOKED__ENVELOPE__BODY_STATUS_QUERY
            envelope.status_query = arena.message(endoked__status_query__init) {
                $0.request = request
                $0.job = job
            }
        case .statusAnswer(let request, let json, let error):
            envelope.body_case = ENDOKED__ENVELOPE__BODY_STATUS_ANSWER
            envelope.status_answer = arena.message(endoked__status_answer__init) {
                $0.request = request
                $0.json = arena.bytes(json)
                $0.error = arena.string(error)
            }
        case .submitJob(let job):
            envelope.body_case = ENDOKED__ENVELOPE__BODY_SUBMIT_JOB
            envelope.submit_job = arena.message(endoked__submit_job__init) {
                $0.request = job.request
                $0.pipeline = arena.bytes(job.pipeline)
                $0.archive = arena.string(job.archive)
                $0.idempotency_key = arena.string(job.idempotencyKey)
                $0.n_centres = job.centres.count
                $0.centres = arena.strings(job.centres)
            }
        case .jobAnswer(let request, let job, let error):
            envelope.body_case = ENDOKED__ENVELOPE__BODY_JOB_ANSWER
            envelope.job_answer = arena.message(endoked__job_answer__init) {
                $0.request = request
                $0.job = job
                $0.error = arena.string(error)
            }
        case .cancelJob(let request, let job, let reason):
            envelope.body_case = ENDOKED__ENVELOPE__BODY_CANCEL_JOB
            envelope.cancel_job = arena.message(endoked__cancel_job__init) {
                $0.request = request
                $0.job = job
                $0.reason = arena.string(reason)
            }
        case .resumeJob(let request, let job):
            envelope.body_case = ENDOKED__ENVELOPE__BODY_RESUME_JOB
            envelope.resume_job = arena.message(endoked__resume_job__init) {
                $0.request = request
                $0.job = job
            }
        case .requeueJob(let request, let job, let stage):
            envelope.body_case = ENDOKED__ENVELOPE__BODY_REQUEUE_JOB
            envelope.requeue_job = arena.message(endoked__requeue_job__init) {
                $0.request = request
                $0.job = job
                $0.stage = arena.string(stage)
            }
        case .requeueAnswer(let request, let count, let error):
            envelope.body_case = ENDOKED__ENVELOPE__BODY_REQUEUE_ANSWER
            envelope.requeue_answer = arena.message(endoked__requeue_answer__init) {
                $0.request = request
                $0.count = count
                $0.error = arena.string(error)
            }
        default: break
        }
    }
}

extension Duration {
    /// Whole milliseconds, as durations cross the wire.
    var wireMilliseconds: UInt32 {
        let (seconds, attoseconds) = components
        return UInt32(clamping: seconds &* 1000 &+ attoseconds / 1_000_000_000_000_000)
    }
}
