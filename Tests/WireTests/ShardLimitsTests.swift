import Foundation
import Testing
import Wire

/// No shard and no result takes others in its message with it.
@Suite struct ShardLimitsTests {
    private func shard(_ number: Int64, bytes: Int = 10, key: String = "k") -> AssignedShard {
        AssignedShard(
            lease: ShardLease(shard: number, attempt: 1), job: 1, stage: "cam", round: 0, key: key, centre: "north", seed: 0,
            input: Data(repeating: 0x20, count: bytes))
    }

    @Test func shardsGoInAsManyMessagesAsTheyNeed() throws {
        let sizes = [3 << 20, 3 << 20, 100, 11 << 20, 200, WireProtocol.shardSizeInBytes - 1000, 1, 1]
        let shards = sizes.enumerated().map { shard(Int64($0.offset + 1), bytes: $0.element) }
        #expect(shards.allSatisfy { $0.refusal == nil })
        var read: [AssignedShard] = []
        for message in WireMessage.assigning(shards) {
            let header = message.encoded().header
            #expect(header.count <= WireProtocol.headerSizeInBytes)
            if case .assign(let some) = try WireMessage(header: header) { read += some }
        }
        #expect(read == shards)
        #expect(WireMessage.assigning([]).isEmpty && WireMessage.assigning(Array(shards.suffix(2))).count == 1)
    }

    @Test func aShardThatNoMessageHoldsIsKnownBeforeItIsSent() {
        for bad in [
            shard(1, bytes: WireProtocol.shardSizeInBytes), shard(1, key: ""), shard(1, key: "a\u{7}b"),
            shard(1, key: String(repeating: "canary", count: 400)),
        ] {
            #expect(bad.refusal?.contains("canary") == false)
            let header = WireMessage.assign([bad]).encoded().header
            if bad.input.count < 100 { #expect(throws: WireError.self) { try WireMessage(header: header) } }
        }
    }

    @Test func aResultThatNoMessageHoldsIsKnownBeforeItIsSent() throws {
        let blob = ShardResult.Blob(digest: Samples.digest, size: 1)
        func result(rows: Int = 0, record: Int = 0, blobs: [ShardResult.Blob] = []) -> ShardResult {
            ShardResult(
                lease: Samples.leases[0], rows: Data(count: rows), record: Data(count: record), blobs: blobs)
        }
        #expect(result(rows: WireProtocol.shardSizeInBytes).refusal?.code == "rows-too-large")
        #expect(result(record: WireProtocol.recordSizeInBytes + 1).refusal?.code == "record-too-large")
        #expect(result(blobs: [.init(digest: Samples.digest, size: (4 << 30) + 1)]).refusal?.code == "content-too-large")
        #expect(result(blobs: Array(repeating: blob, count: 65_537)).refusal?.code == "too-many-contents")
        let largest = result(rows: 8 << 20, record: WireProtocol.recordSizeInBytes, blobs: Array(repeating: blob, count: 60_000))
        #expect(largest.refusal == nil)
        #expect(try WireMessage(header: WireMessage.results([largest]).encoded().header) == .results([largest]))
    }

    /// What a program before sent of a shard's contents is passed over, however many there were.
    @Test func anOlderCoordinatorsListOfContentsIsIgnored() throws {
        func field(_ number: Int, _ bytes: Data) -> Data { Data([UInt8(number << 3 | 2)]) + Self.varint(bytes.count) + bytes }
        let contents = (0..<70_000).reduce(into: Data()) { data, _ in data += field(10, Samples.digest) }
        var fields = Data([0x10, 5]) + field(3, Data("cam".utf8)) + field(5, Data("k".utf8)) + field(9, Data("{}".utf8))
        fields = field(1, Data([0x08, 7, 0x10, 1])) + fields + contents
        let header = Data([8, 1]) + field(6, field(1, fields))
        let shard = AssignedShard(
            lease: ShardLease(shard: 7, attempt: 1), job: 5, stage: "cam", round: 0, key: "k", centre: nil, seed: 0,
            input: Data("{}".utf8))
        #expect(try WireMessage(header: header) == .assign([shard]))
    }

    /// A coordinator that does not know of rows as contents must not take the result for one without rows.
    @Test func rowsThatAreContentsAreNoRowsToAnOlderCoordinator() throws {
        let blob = ShardResult.Blob(digest: Samples.digest, size: 1)
        let result = ShardResult(lease: Samples.leases[0], rows: Data(), rowContents: [blob], record: Data("{}".utf8))
        let header = WireMessage.results([result]).encoded().header
        // Field 2 of the result, as such a program reads it.
        #expect(header.range(of: Data([0x12, 8]) + Data("contents".utf8)) != nil)
        #expect(throws: (any Error).self) { try JSONDecoder().decode([String].self, from: Data("contents".utf8)) }
    }

    private static func varint(_ number: Int) -> Data {
        var (rest, bytes) = (number, Data())
        while rest >= 128 {
            bytes.append(UInt8(rest & 127 | 128))
            rest >>= 7
        }
        return bytes + Data([UInt8(rest)])
    }
}
