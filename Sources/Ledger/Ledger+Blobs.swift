import Digest
import Foundation
import PostgreSQL

extension Ledger {
    /// Bytes in a chunk of a blob: 1 MiB; only a blob's last chunk is shorter.
    public static let blobChunkSize = 1 << 20

    /// Stores bytes under their digest. Bytes that are there already are not stored again.
    @discardableResult
    public func putBlob(_ data: Data) throws -> SHA256Digest {
        let digest = SHA256Digest(hashing: data)
        try write { connection in
            // One that is there becomes young again: the sweep must not take it before it is named.
            if try Self.touch(connection, digest) != nil { return }
            var index: Int32 = 0
            var offset = data.startIndex
            while offset < data.endIndex {
                let end = min(offset + Self.blobChunkSize, data.endIndex)
                try Self.insertChunk(connection, digest, index, data[offset..<end])
                offset = end
                index += 1
            }
            try connection.execute(
                "INSERT INTO blob (digest, size) VALUES ($1, $2) ON CONFLICT DO NOTHING",
                [.bytea(digest.bytes), .int8(Int64(data.count))])
        }
        return digest
    }

    /// Stores one piece of a blob that arrives in pieces; a piece that is there already is overwritten, unless the
    /// blob is complete. The blob exists once `sealBlob` has found its bytes right.
    ///
    /// - Parameters:
    ///   - index: the piece's number, from 0.
    ///   - bytes: `blobChunkSize` of them, fewer only in the last piece.
    public func putBlobChunk(_ digest: SHA256Digest, index: Int, _ bytes: Data) throws {
        guard index >= 0, index <= Int(Int32.max), !bytes.isEmpty, bytes.count <= Self.blobChunkSize else {
            throw LedgerError(
                .invalid, "chunk \(index) of blob \(digest) has \(bytes.count) bytes: 1 to \(Self.blobChunkSize) are allowed")
        }
        try write { try Self.insertChunk($0, digest, Int32(index), bytes) }
    }

    private static func insertChunk(
        _ connection: Connection, _ digest: SHA256Digest, _ index: Int32, _ bytes: Data
    ) throws {
        try connection.execute(
            """
            INSERT INTO blob_chunk AS c (digest, ordinal, bytes)
            SELECT $1, $2, $3 WHERE NOT EXISTS (SELECT 1 FROM blob WHERE digest = $1)
            ON CONFLICT (digest, ordinal) DO UPDATE SET bytes = excluded.bytes, created_at = now()
            """, [.bytea(digest.bytes), .int4(index), .bytea(bytes)])
    }

    /// Declares a blob complete, if its chunks are all there and have its digest.
    ///
    /// - Throws: `.missingBlob` when chunks are missing (they stay); `.corruptBlob` when the bytes have another digest
    ///   (the chunks are removed).
    public func sealBlob(_ digest: SHA256Digest, size: Int) throws {
        let corruption = try write { connection -> LedgerError? in
            if let known = try Self.touch(connection, digest) {
                return known == size
                    ? nil : LedgerError(.invalid, "blob \(digest) has \(known) bytes, not \(size)")
            }
            let chunks = (size + Self.blobChunkSize - 1) / Self.blobChunkSize
            let summary = try connection.execute(
                "SELECT count(*), coalesce(sum(length(bytes)), 0)::bigint, coalesce(max(ordinal), -1) FROM blob_chunk WHERE digest = $1",
                [.bytea(digest.bytes)])
            guard let row = summary.first, try row.int64(0) == Int64(chunks), try row.int64(1) == Int64(size),
                try row.int32(2) == Int32(chunks - 1)
            else {
                return LedgerError(
                    .missingBlob, "blob \(digest) of \(size) bytes is not complete: send its \(chunks) chunks again")
            }
            var hasher = SHA256Hasher()
            for index in 0..<chunks {
                if let bytes = try Self.chunk(connection, digest, Int32(index)) { hasher.update(bytes) }
            }
            guard hasher.finalize() == digest else {
                try connection.execute("DELETE FROM blob_chunk WHERE digest = $1", [.bytea(digest.bytes)])
                return LedgerError(.corruptBlob, "the bytes sent as blob \(digest) have another digest: send them again")
            }
            try connection.execute(
                "INSERT INTO blob (digest, size) VALUES ($1, $2) ON CONFLICT DO NOTHING",
                [.bytea(digest.bytes), .int8(Int64(size))])
            return nil
        }
        if let corruption { throw corruption }
    }

    /// How many bytes a blob has; nil when it is not in the ledger.
    public func blobSize(_ digest: SHA256Digest) throws -> Int? {
        try read { try Self.blobSize($0, digest) }
    }

    private static func blobSize(_ connection: Connection, _ digest: SHA256Digest) throws -> Int? {
        try connection.execute("SELECT size FROM blob WHERE digest = $1", [.bytea(digest.bytes)])
            .first.map { Int(try $0.int64(0)) }
    }

    /// Makes a blob young again and returns its size; nil when it is not in the ledger.
    private static func touch(_ connection: Connection, _ digest: SHA256Digest) throws -> Int? {
        try connection.execute(
            "UPDATE blob SET created_at = now() WHERE digest = $1 RETURNING size", [.bytea(digest.bytes)]
        ).first.map { Int(try $0.int64(0)) }
    }

    /// Which of the blobs are in the ledger.
    public func hasBlobs(_ digests: [SHA256Digest]) throws -> Set<SHA256Digest> {
        try read { connection in
            let rows = try connection.execute(
                "SELECT digest FROM blob WHERE digest = ANY ($1)", [.byteas(digests.map(\.bytes))])
            return Set(try rows.compactMap { SHA256Digest(bytes: try $0.bytes(0)) })
        }
    }

    /// One chunk of a blob, `blobChunkSize` bytes unless it is the last.
    ///
    /// - Throws: `.missingBlob` when the blob is not in the ledger or has no such chunk.
    public func blobChunk(_ digest: SHA256Digest, index: Int) throws -> Data {
        let chunk = try read { connection -> Data? in
            guard let index = Int32(exactly: index), try Self.blobSize(connection, digest) != nil else { return nil }
            return try Self.chunk(connection, digest, index)
        }
        guard let chunk else {
            throw LedgerError(.missingBlob, "the ledger has no chunk \(index) of blob \(digest); was it pruned?")
        }
        return chunk
    }

    /// Some of a blob's bytes, counted from its first. They are not checked against the digest.
    ///
    /// - Throws: `.missingBlob` when the blob is not in the ledger or ends before the range does.
    public func blobPart(_ digest: SHA256Digest, bytes range: Range<Int>) throws -> Data {
        var data = Data(capacity: range.count)
        while data.count < range.count {
            let place = range.lowerBound + data.count
            let part = try read { connection -> Data? in
                guard place >= 0, let index = Int32(exactly: place / Self.blobChunkSize),
                    try Self.blobSize(connection, digest) != nil
                else { return nil }
                return try connection.execute(
                    "SELECT substring(bytes FROM $3 FOR $4) FROM blob_chunk WHERE digest = $1 AND ordinal = $2",
                    [
                        .bytea(digest.bytes), .int4(index), .int4(Int32(place % Self.blobChunkSize + 1)),
                        .int4(Int32(min(range.upperBound - place, Self.blobChunkSize))),
                    ]
                ).first.map { try $0.data(0) }
            }
            guard let part, !part.isEmpty else {
                throw LedgerError(.missingBlob, "the ledger has no byte \(place) of blob \(digest); was it pruned?")
            }
            data += part
        }
        return data
    }

    /// All bytes of a blob, checked against its digest.
    public func blob(_ digest: SHA256Digest) throws -> Data {
        guard let size = try blobSize(digest) else {
            throw LedgerError(.missingBlob, "the ledger has no blob \(digest); was it pruned?")
        }
        var data = Data(capacity: size)
        var index = 0
        while data.count < size {
            data += try blobChunk(digest, index: index)
            index += 1
        }
        guard SHA256Digest(hashing: data) == digest else {
            throw LedgerError(.corruptBlob, "the ledger's blob \(digest) is damaged: restore the database from a backup")
        }
        return data
    }

    private static func chunk(_ connection: Connection, _ digest: SHA256Digest, _ index: Int32) throws -> Data? {
        try connection.execute(
            "SELECT bytes FROM blob_chunk WHERE digest = $1 AND ordinal = $2", [.bytea(digest.bytes), .int4(index)]
        ).first.map { try $0.data(0) }
    }
}
