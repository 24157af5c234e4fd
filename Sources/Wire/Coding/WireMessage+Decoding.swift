import CProtobuf
import Foundation

extension WireMessage {
    /// Reads a header frame and its payload frames. Any bytes are safe to give.
    ///
    /// - Throws: `WireError.version` for another version of the protocol, `.malformed` and `.tooLarge` otherwise.
    public init(header: UnsafeRawBufferPointer, payload: [Data]) throws(WireError) {
        guard header.count <= WireProtocol.headerSizeInBytes else {
            throw WireError(.tooLarge, "a header of \(header.count) bytes; at most \(WireProtocol.headerSizeInBytes)")
        }
        let bytes = header.bindMemory(to: UInt8.self)
        guard !bytes.isEmpty, let envelope = endoked__envelope__unpack(nil, bytes.count, bytes.baseAddress) else {
            throw WireError(.malformed, "the header is not an Envelope")
        }
        defer { endoked__envelope__free_unpacked(envelope, nil) }
        guard envelope.pointee.version == WireProtocol.version else {
            throw WireError(
                .version,
                "version \(envelope.pointee.version) of the protocol is not spoken here, only \(WireProtocol.version): "
                    + "use programs of the same release")
        }
        self = try Self.read(envelope.pointee, payload)
    }

    /// Reads frames that lie in `Data`.
    public init(header: Data, payload: [Data] = []) throws(WireError) {
        var result: Result<WireMessage, WireError>?
        header.withUnsafeBytes { buffer in
            result = Result { () throws(WireError) in try WireMessage(header: buffer, payload: payload) }
        }
        guard let result else { throw WireError(.malformed, "the header is absent") }
        self = try result.get()
    }

    private static func read(_ envelope: Endoked__Envelope, _ payload: [Data]) throws(WireError) -> WireMessage {
        let expectsPayload = envelope.body_case == ENDOKED__ENVELOPE__BODY_CONTENT
        guard payload.count <= (expectsPayload ? 1 : 0) else {
            throw WireError(.malformed, "\(payload.count) payload frames where none, or one with content, belong")
        }
        switch envelope.body_case {
        case ENDOKED__ENVELOPE__BODY_HELLO: return .hello(try Hello(reading: try body(envelope.hello)))
        case ENDOKED__ENVELOPE__BODY_WELCOME: return .welcome(try Welcome(reading: try body(envelope.welcome)))
        case ENDOKED__ENVELOPE__BODY_REFUSED: return .refused(try Refused(reading: try body(envelope.refused)))
        case ENDOKED__ENVELOPE__BODY_WANT: return .want(limit: try body(envelope.want).limit)
        case ENDOKED__ENVELOPE__BODY_HEARTBEAT:
            return .heartbeat(try Heartbeat(reading: try body(envelope.heartbeat)))
        case ENDOKED__ENVELOPE__BODY_HEARTBEAT_ACK:
            return .heartbeatAck(try HeartbeatAck(reading: try body(envelope.heartbeat_ack)))
        case ENDOKED__ENVELOPE__BODY_DRAIN:
            return .drain(reason: try FieldReader.text(try body(envelope.drain).reason, "drain.reason"))
        case ENDOKED__ENVELOPE__BODY_GOODBYE:
            return .goodbye(reason: try FieldReader.text(try body(envelope.goodbye).reason, "goodbye.reason"))
        case ENDOKED__ENVELOPE__BODY_ASSIGN, ENDOKED__ENVELOPE__BODY_RESULTS, ENDOKED__ENVELOPE__BODY_ACKS,
            ENDOKED__ENVELOPE__BODY_GIVE_BACK, ENDOKED__ENVELOPE__BODY_FAILURES:
            return try readShards(envelope)
        case ENDOKED__ENVELOPE__BODY_FETCH:
            let fetch = try body(envelope.fetch)
            guard fetch.n_pieces <= WireProtocol.pieceCount else {
                throw WireError(.tooLarge, "\(fetch.n_pieces) pieces asked for at once; at most \(WireProtocol.pieceCount)")
            }
            return .fetch(
                try FieldReader.list(fetch.pieces, fetch.n_pieces, "fetch.pieces") { (piece) throws(WireError) in
                    try ContentPiece(reading: piece.pointee)
                })
        case ENDOKED__ENVELOPE__BODY_CONTENT:
            return .content(try ContentBytes(reading: try body(envelope.content), payload.first))
        default: return try readClient(envelope)
        }
    }

    private static func readClient(_ envelope: Endoked__Envelope) throws(WireError) -> WireMessage {
        switch envelope.body_case {
        case ENDOKED__ENVELOPE__BODY_STATUS_QUERY:
            let query = try body(envelope.status_query)
            return .statusQuery(request: query.request, job: query.job)
        case ENDOKED__ENVELOPE__BODY_STATUS_ANSWER:
            let answer = try body(envelope.status_answer)
            return .statusAnswer(
                request: answer.request, json: FieldReader.bytes(answer.json),
                error: try FieldReader.text(answer.error, "status_answer.error"))
        case ENDOKED__ENVELOPE__BODY_SUBMIT_JOB:
            let job = try body(envelope.submit_job)
            return .submitJob(
                SubmitJob(
                    request: job.request, pipeline: FieldReader.bytes(job.pipeline),
                    archive: try FieldReader.text(job.archive, "submit_job.archive"),
                    idempotencyKey: try FieldReader.text(job.idempotency_key, "submit_job.idempotency_key"),
                    centres: try FieldReader.names(job.centres, job.n_centres, "submit_job.centres")))
        case ENDOKED__ENVELOPE__BODY_JOB_ANSWER:
            let answer = try body(envelope.job_answer)
            return .jobAnswer(
                request: answer.request, job: answer.job, error: try FieldReader.text(answer.error, "job_answer.error"))
        case ENDOKED__ENVELOPE__BODY_CANCEL_JOB:
            let cancel = try body(envelope.cancel_job)
            return .cancelJob(
                request: cancel.request, job: cancel.job, reason: try FieldReader.text(cancel.reason, "cancel_job.reason"))
        case ENDOKED__ENVELOPE__BODY_RESUME_JOB:
            let resume = try body(envelope.resume_job)
            return .resumeJob(request: resume.request, job: resume.job)
        case ENDOKED__ENVELOPE__BODY_REQUEUE_JOB:
            let requeue = try body(envelope.requeue_job)
            return .requeueJob(
                request: requeue.request, job: requeue.job, stage: try FieldReader.text(requeue.stage, "requeue_job.stage"))
        case ENDOKED__ENVELOPE__BODY_REQUEUE_ANSWER:
            let answer = try body(envelope.requeue_answer)
            return .requeueAnswer(
                request: answer.request, count: answer.count,
                error: try FieldReader.text(answer.error, "requeue_answer.error"))
        default: throw WireError(.malformed, "the Envelope has no body that this version knows")
        }
    }

    static func body<Body>(_ pointer: UnsafeMutablePointer<Body>?) throws(WireError) -> Body {
        guard let pointer else { throw WireError(.malformed, "the Envelope's body is absent") }
        return pointer.pointee
    }
}

extension ContentPiece {
    init(reading piece: Endoked__Fetch__Piece) throws(WireError) {
        guard (1...UInt32(WireProtocol.pieceSizeInBytes)).contains(piece.length) else {
            throw WireError(.tooLarge, "a piece of \(piece.length) bytes; 1 to \(WireProtocol.pieceSizeInBytes)")
        }
        guard piece.offset < WireProtocol.contentSizeInBytes else {
            throw WireError(.tooLarge, "a piece at byte \(piece.offset)")
        }
        self.init(
            digest: try FieldReader.digest(piece.digest, "piece.digest"), offset: piece.offset, length: piece.length)
    }
}

extension ContentBytes {
    init(reading content: Endoked__Content, _ payload: Data?) throws(WireError) {
        let digest = try FieldReader.digest(content.digest, "content.digest")
        guard content.missing == 0 else {
            guard payload == nil else { throw WireError(.malformed, "missing content with a payload") }
            self.init(digest: digest, offset: content.offset, total: 0, bytes: nil)
            return
        }
        guard let payload else { throw WireError(.malformed, "content without its payload") }
        guard payload.count <= WireProtocol.pieceSizeInBytes, content.total <= WireProtocol.contentSizeInBytes else {
            throw WireError(.tooLarge, "content of \(payload.count) bytes of \(content.total)")
        }
        // Neither sum can overflow: both are below 2^33.
        guard content.offset <= content.total, content.offset + UInt64(payload.count) <= content.total else {
            throw WireError(.malformed, "content beyond its own end")
        }
        self.init(digest: digest, offset: content.offset, total: content.total, bytes: payload)
    }
}
