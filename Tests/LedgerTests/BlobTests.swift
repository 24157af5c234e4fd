import Digest
import Foundation
import Ledger
import PostgreSQL
import Testing

@Suite struct BlobTests {
    /// Bytes that repeat at no chunk's length.
    private func bytes(_ count: Int) -> Data { Data((0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 / 251) }) }

    @Test(arguments: [0, 1, 1 << 20, (1 << 20) + 1, 5_000_000])
    func bytesComeBack(count: Int) throws {
        let test = try TestLedger()
        let data = bytes(count)
        let digest = try test.ledger.putBlob(data)
        #expect(try test.ledger.putBlob(data) == digest, "a second time is harmless")
        #expect(digest == SHA256Digest(hashing: data))
        #expect(try test.ledger.blobSize(digest) == count)
        #expect(try test.ledger.blob(digest) == data)
        let stored = try test.direct().execute("SELECT coalesce(sum(length(bytes)), 0)::int8, count(*) FROM blob_chunk").first
        #expect(try stored?.int64(0) == Int64(count))
        #expect(try stored?.int64(1) == Int64((count + Ledger.blobChunkSize - 1) / Ledger.blobChunkSize))
    }

    @Test func partsAreReadAcrossChunks() throws {
        let test = try TestLedger()
        let data = bytes(2_500_000)
        let digest = try test.ledger.putBlob(data)
        let size = Ledger.blobChunkSize
        for range in [0..<0, 0..<1, 7..<900, size - 3..<size + 5, size..<2 * size, 10..<2_499_999, 2_499_999..<2_500_000] {
            #expect(try test.ledger.blobPart(digest, bytes: range) == data[range], "\(range)")
        }
        #expect(ledgerErrorCode { _ = try test.ledger.blobPart(digest, bytes: 2_499_999..<2_500_001) } == .missingBlob)
        #expect(ledgerErrorCode { _ = try test.ledger.blobPart(digest, bytes: -1..<3) } == .missingBlob)
        let other = SHA256Digest(hashing: Data("other".utf8))
        #expect(ledgerErrorCode { _ = try test.ledger.blobPart(other, bytes: 0..<3) } == .missingBlob)
    }

    @Test func piecesInAnyOrderMakeABlob() throws {
        let test = try TestLedger()
        let data = bytes(2_500_000)
        let digest = SHA256Digest(hashing: data)
        let size = Ledger.blobChunkSize
        let pieces = [data[..<size], data[size..<(2 * size)], data[(2 * size)...]].map { Data($0) }
        try test.ledger.putBlobChunk(digest, index: 2, pieces[2])
        try test.ledger.putBlobChunk(digest, index: 0, pieces[0])
        #expect(try test.ledger.blobSize(digest) == nil, "it does not exist before it is sealed")
        #expect(ledgerErrorCode { _ = try test.ledger.blobChunk(digest, index: 0) } == .missingBlob)
        #expect(ledgerErrorCode { try test.ledger.sealBlob(digest, size: data.count) } == .missingBlob)
        try test.ledger.putBlobChunk(digest, index: 1, pieces[1])
        try test.ledger.putBlobChunk(digest, index: 1, pieces[1])
        try test.ledger.sealBlob(digest, size: data.count)
        try test.ledger.sealBlob(digest, size: data.count)
        #expect(try test.ledger.blobChunk(digest, index: 1) == pieces[1])
        #expect(try test.ledger.blob(digest) == data)
        // After sealing, nothing overwrites.
        try test.ledger.putBlobChunk(digest, index: 1, Data("other".utf8))
        #expect(try test.ledger.blob(digest) == data)
    }

    @Test func wrongBytesAreRefused() throws {
        let test = try TestLedger()
        let digest = SHA256Digest(hashing: Data("right".utf8))
        try test.ledger.putBlobChunk(digest, index: 0, Data("wrong".utf8))
        #expect(ledgerErrorCode { try test.ledger.sealBlob(digest, size: 5) } == .corruptBlob)
        #expect(try test.ledger.blobSize(digest) == nil)
        try test.ledger.putBlobChunk(digest, index: 0, Data("right".utf8))
        try test.ledger.sealBlob(digest, size: 5)
        #expect(ledgerErrorCode { try test.ledger.putBlobChunk(digest, index: 0, Data(count: Ledger.blobChunkSize + 1)) } == .invalid)
        #expect(ledgerErrorCode { try test.ledger.putBlobChunk(digest, index: -1, Data([1])) } == .invalid)
    }

    @Test func damageInTheDatabaseIsFound() throws {
        let test = try TestLedger()
        let digest = try test.ledger.putBlob(Data("right".utf8))
        try test.direct().execute("UPDATE blob_chunk SET bytes = 'wrong'")
        #expect(ledgerErrorCode { _ = try test.ledger.blob(digest) } == .corruptBlob)
    }
}
