import Digest
import Foundation
import Ledger
import Wire

/// What the upload thread is told.
enum UploadCommand: Sendable {
    /// Results whose contents are not in the ledger yet.
    case results([ShardResult], at: Data)
    case content(ContentBytes, at: Data)
    /// The connection is no longer used.
    case gone(Data)
}

/// The thread that brings the contents of results into the ledger, before the results themselves go to the writer. It
/// asks each worker for few pieces at a time, so that memory stays bounded however many results wait.
struct UploadDesk {
    private let access: LedgerAccess
    private let inbox: Mailbox<UploadCommand>
    private let writer: Mailbox<WriterCommand>
    private let outbox: RouterOutbox
    private let log: EventLog
    private let count: CounterBox
    private var peers: [Data: PeerUploads] = [:]

    init(access: LedgerAccess, term: CoordinatorTerm) {
        self.access = access
        inbox = term.uploads
        writer = term.writer
        outbox = term.outbox
        log = term.log
        count = term.count
    }

    mutating func run(until stop: StopFlag) throws {
        while !stop.isSet {
            for command in inbox.receiveAll(atMost: .milliseconds(500)) {
                switch command {
                case .results(let results, let connection): try begin(results, connection)
                case .content(let content, let connection): try take(content, connection)
                case .gone(let connection): peers[connection] = nil
                }
            }
            for connection in peers.keys {
                ask(peers[connection]?.retry(now: .now) ?? [], connection)
            }
        }
    }

    private mutating func begin(_ results: [ShardResult], _ connection: Data) throws {
        let digests = Set(results.flatMap(\.contents).map(\.digest))
        let known = try access.persist { ledger in
            try ledger.hasBlobs(digests.compactMap { SHA256Digest(bytes: $0) })
        }
        let present = Set(known.map { Data($0.bytes) })
        var peer = peers.removeValue(forKey: connection) ?? PeerUploads()
        let step = peer.add(results, present: present, now: .now)
        peers[connection] = peer
        carryOut(step, connection)
    }

    private mutating func take(_ content: ContentBytes, _ connection: Data) throws {
        guard var peer = peers.removeValue(forKey: connection) else { return }
        let received = peer.receive(content, now: .now)
        if let piece = received.store, let digest = SHA256Digest(bytes: content.digest) {
            do {
                try store(piece, as: digest)
            } catch let error as LedgerError where error.cause == .values {
                log(.warning, "content.corrupt", ["digest": digest, "reason": error.message])
                peers[connection] = peer
                peers[connection]?.abandon(content.digest)
                fail(content.digest, "its bytes are not what their digest says", connection)
                return
            }
        }
        let step = peer.proceed(after: received, now: .now)
        peers[connection] = peer
        carryOut(step, connection)
        if let reason = received.failure { fail(content.digest, reason, connection) }
    }

    private func store(_ piece: PeerUploads.Piece, as digest: SHA256Digest) throws {
        count { $0.uploadedBytes += piece.bytes.count }
        try access.persist { ledger in
            if !piece.bytes.isEmpty {
                try ledger.putBlobChunk(
                    digest, index: Int(piece.offset / UInt64(WireProtocol.pieceSizeInBytes)), piece.bytes)
            }
            if piece.isLast { try ledger.sealBlob(digest, size: Int(piece.size)) }
        }
    }

    /// Results that wait for this content cannot be committed: the shard is tried again.
    private mutating func fail(_ digest: Data, _ reason: String, _ connection: Data) {
        let leases = peers[connection]?.takeWaiting(for: digest) ?? []
        guard !leases.isEmpty else { return }
        writer.send(
            .failures(
                leases.map {
                    ShardFailure(
                        lease: $0, code: "missing-content", message: "a content of the result could not be fetched: \(reason)",
                        isInfrastructure: true)
                }, at: connection))
    }

    private func carryOut(_ step: PeerUploads.Step, _ connection: Data) {
        ask(step.ask, connection)
        if !step.ready.isEmpty { writer.send(.results(step.ready, at: connection)) }
    }

    private func ask(_ pieces: [ContentPiece], _ connection: Data) {
        for start in stride(from: 0, to: pieces.count, by: WireProtocol.pieceCount) {
            let end = min(start + WireProtocol.pieceCount, pieces.count)
            outbox.send(.fetch(Array(pieces[start..<end])), to: connection)
        }
    }
}
