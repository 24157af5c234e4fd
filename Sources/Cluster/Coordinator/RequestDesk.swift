import Digest
import Foundation
import Ledger
import Stages
import Wire

/// Questions that the ledger answers, without changing a shard.
enum DeskCommand: Sendable {
    case fetch([ContentPiece], from: Data)
    case status(request: UInt64, job: Int64, from: Data)
    case submit(SubmitJob, from: Data)
    case cancel(request: UInt64, job: Int64, reason: String, from: Data)
    case resume(request: UInt64, job: Int64, from: Data)
    case requeue(request: UInt64, job: Int64, stage: String, from: Data)
}

/// The thread that serves contents to workers, and status, jobs and cancellations to clients.
struct RequestDesk {
    private let access: LedgerAccess
    private let inbox: Mailbox<DeskCommand>
    private let outbox: RouterOutbox
    private let writer: Mailbox<WriterCommand>
    private let driver: Mailbox<DriverCommand>
    private let stages: StageRegistry
    private let log: EventLog
    private let count: CounterBox
    private let waits: @Sendable () -> [ThreadWait]
    private var chunks: ByteBudgetCache<ChunkName, Data>
    private var sizes: ByteBudgetCache<SHA256Digest, Int>

    private struct ChunkName: Hashable {
        var digest: SHA256Digest
        var index: Int
    }

    init(access: LedgerAccess, term: CoordinatorTerm, cacheSizeInBytes: Int) {
        self.access = access
        inbox = term.desk
        outbox = term.outbox
        writer = term.writer
        driver = term.driver
        stages = term.stages
        log = term.log
        count = term.count
        waits = { term.waits }
        chunks = ByteBudgetCache(budget: cacheSizeInBytes)
        sizes = ByteBudgetCache(budget: 10_000)
    }

    mutating func run(until stop: StopFlag) throws {
        while !stop.isSet {
            let commands = inbox.receiveAll(atMost: .milliseconds(500))
            // People wait for answers; contents are bulk.
            for command in commands { try answerClient(command) }
            for command in commands {
                guard case .fetch(let pieces, let connection) = command else { continue }
                for piece in pieces { outbox.send(.content(try content(piece)), to: connection) }
            }
        }
    }

    private mutating func content(_ piece: ContentPiece) throws -> ContentBytes {
        let missing = ContentBytes(digest: piece.digest, offset: piece.offset, total: 0, bytes: nil)
        let chunkSize = UInt64(Ledger.blobChunkSize)
        guard let digest = SHA256Digest(bytes: piece.digest), piece.offset % chunkSize == 0 else { return missing }
        guard let size = try size(of: digest), piece.offset <= UInt64(size) else { return missing }
        guard size > 0, piece.offset < UInt64(size) else {
            return ContentBytes(digest: piece.digest, offset: piece.offset, total: UInt64(size), bytes: Data())
        }
        let name = ChunkName(digest: digest, index: Int(piece.offset / chunkSize))
        let chunk: Data
        if let known = chunks.value(name) {
            chunk = known
        } else {
            do {
                chunk = try access.persist { try $0.blobChunk(name.digest, index: name.index) }
            } catch let error as LedgerError where error.cause == .values {
                return missing
            }
            chunks.insert(chunk, size: chunk.count, for: name)
        }
        count { $0.servedBytes += chunk.count }
        return ContentBytes(
            digest: piece.digest, offset: piece.offset, total: UInt64(size), bytes: chunk.prefix(Int(piece.length)))
    }

    private mutating func size(of digest: SHA256Digest) throws -> Int? {
        if let known = sizes.value(digest) { return known }
        guard let size = try access.persist({ try $0.blobSize(digest) }) else { return nil }
        sizes.insert(size, size: 1, for: digest)
        return size
    }

    // MARK: Clients

    private func answerClient(_ command: DeskCommand) throws {
        switch command {
        case .fetch: break
        case .status(let request, let job, let connection):
            outbox.send(status(request, job), to: connection)
        case .submit(let submission, let connection):
            outbox.send(submit(submission), to: connection)
        case .cancel(let request, let job, let reason, let connection):
            outbox.send(cancel(request, job, reason), to: connection)
        case .resume(let request, let job, let connection):
            outbox.send(resume(request, job), to: connection)
        case .requeue(let request, let job, let stage, let connection):
            outbox.send(requeue(request, job, stage), to: connection)
        }
    }

    // Clients are told at once when PostgreSQL is away, instead of waiting for it.

    private func status(_ request: UInt64, _ job: Int64) -> WireMessage {
        do {
            var snapshot = try access.ledger.status(job: job == 0 ? nil : JobID(job))
            snapshot.waits = waits()
            return .statusAnswer(request: request, json: try JSONEncoder().encode(snapshot), error: "")
        } catch {
            return .statusAnswer(request: request, json: Data(), error: "\(error)")
        }
    }

    private func submit(_ submission: SubmitJob) -> WireMessage {
        do {
            let centres = try submission.centres.isEmpty ? connectedCentres() : submission.centres
            let job = try JobSubmission.submit(
                pipeline: submission.pipeline, archive: submission.archive, centres: centres, registry: stages,
                ledger: access.ledger, idempotencyKey: submission.idempotencyKey)
            log(.info, "job.submitted", ["job": job, "centres": centres.joined(separator: ",")])
            driver.send(.jobsChanged)
            return .jobAnswer(request: submission.request, job: job.rawValue, error: "")
        } catch {
            return .jobAnswer(request: submission.request, job: 0, error: "\(error)")
        }
    }

    private func connectedCentres() throws -> [String] {
        let active = try access.ledger.workers().filter { $0.state == .active }
        return Set(active.flatMap(\.centres)).sorted()
    }

    private func requeue(_ request: UInt64, _ job: Int64, _ stage: String) -> WireMessage {
        do {
            let count = try access.ledger.requeueQuarantined(job: JobID(job), stage: stage.isEmpty ? nil : stage)
            log(.info, "shards.requeued", ["job": job, "count": count])
            driver.send(.jobsChanged)
            writer.send(.work)
            return .requeueAnswer(request: request, count: Int64(count), error: "")
        } catch {
            return .requeueAnswer(request: request, count: 0, error: "\(error)")
        }
    }

    private func cancel(_ request: UInt64, _ job: Int64, _ reason: String) -> WireMessage {
        do {
            let didEnd = try access.ledger.cancelJob(JobID(job), message: reason)
            driver.send(.jobsChanged)
            return .jobAnswer(request: request, job: job, error: didEnd ? "" : "job \(job) had ended already, or never was")
        } catch {
            return .jobAnswer(request: request, job: job, error: "\(error)")
        }
    }

    private func resume(_ request: UInt64, _ job: Int64) -> WireMessage {
        do {
            let shards = try access.ledger.resumeJob(JobID(job))
            log(.info, "job.resumed", ["job": job, "shards": shards])
            driver.send(.jobsChanged)
            return .jobAnswer(request: request, job: job, error: "")
        } catch {
            return .jobAnswer(request: request, job: job, error: "\(error)")
        }
    }
}
