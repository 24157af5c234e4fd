import Cluster
import Digest
import Foundation
import Testing
import Wire

@Suite struct ContentTransferTests {
    static let piece = WireProtocol.pieceSizeInBytes
    let now = ContinuousClock.now

    static func content(_ size: Int) -> Data { Data((0..<size).map { UInt8(truncatingIfNeeded: $0 &* 7) }) }
    static func name(_ data: Data) -> Data { Data(SHA256Digest(hashing: data).bytes) }

    static func result(_ shard: Int64, _ contents: [Data]) -> ShardResult {
        let blobs = contents.map { ShardResult.Blob(digest: name($0), size: UInt64($0.count)) }
        return ShardResult(lease: ShardLease(shard: shard, attempt: 1), rows: Data(), record: Data(), blobs: blobs)
    }

    /// What a worker that holds `data` answers.
    static func holder(_ data: Data, lease: Int64 = 1) -> HeldContents {
        var held = HeldContents()
        held.hold([name(data): data], for: ShardLease(shard: lease, attempt: 1))
        return held
    }

    @Test(arguments: [0, 1, 1000, piece - 1, piece, piece + 1, 5 * piece, 5 * piece + 3])
    func aContentOfAnySizeArrivesWholeInAnyOrder(size: Int) throws {
        let data = Self.content(size)
        let held = Self.holder(data)
        var downloads = DownloadSet(window: 3)
        var generator = SeededGenerator(state: UInt64(size))
        var asked = downloads.begin(SHA256Digest(hashing: data), now: now)
        var largest = 0
        var complete: Data?
        while let next = asked.indices.randomElement(using: &generator) {
            largest = max(largest, asked.count)
            switch downloads.receive(held.answer(asked.remove(at: next)), now: now) {
            case .ask(let more): asked += more
            case .complete(_, let bytes): complete = bytes
            case .failed(_, let reason): Issue.record("\(reason)")
            case .ignored: Issue.record("an answer was ignored")
            }
        }
        #expect(complete == data)
        #expect(largest <= 3)
        #expect(downloads.count == 0)
    }

    @Test func answersThatNobodyAskedForAreIgnored() {
        let data = Self.content(3 * Self.piece)
        let held = Self.holder(data)
        var downloads = DownloadSet()
        let first = downloads.begin(SHA256Digest(hashing: data), now: now)
        #expect(first.count == 1)
        let early = held.answer(ContentPiece(digest: Self.name(data), offset: UInt64(Self.piece), length: 1))
        let foreign = ContentBytes(digest: Data(count: 32), offset: 0, total: 1, bytes: Data([1]))
        for answer in [early, foreign] {
            let step = downloads.receive(answer, now: now)
            #expect(step == .ignored)
        }
        // Asking again for what is under way asks nothing.
        let value1 = downloads.begin(SHA256Digest(hashing: data), now: now)
        #expect(value1.isEmpty)
    }

    @Test func aMissingContentFailsAndMayBeAskedForAgain() {
        let digest = SHA256Digest(hashing: Data("x".utf8))
        var downloads = DownloadSet()
        let asked = downloads.begin(digest, now: now)
        let step = downloads.receive(HeldContents().answer(asked[0]), now: now)
        guard case .failed(digest, _) = step else {
            Issue.record("\(step)")
            return
        }
        let value2 = downloads.begin(digest, now: now)
        #expect(value2.count == 1)
    }

    @Test func lostPiecesAreAskedForAgainAfterAWhileAndAfterAReconnection() {
        let data = Self.content(4 * Self.piece)
        var downloads = DownloadSet(window: 2, patience: .seconds(10))
        let asked = downloads.begin(SHA256Digest(hashing: data), now: now)
        let value3 = downloads.retries(now: now + .seconds(9))
        #expect(value3.isEmpty)
        let value4 = downloads.retries(now: now + .seconds(10))
        #expect(value4 == [asked])
        let value5 = downloads.retries(now: now + .seconds(11))
        #expect(value5.isEmpty)
        let value6 = downloads.restart(now: now + .seconds(11))
        #expect(value6 == [asked])
    }

    @Test func contradictionsEndADownload() {
        let data = Self.content(3 * Self.piece)
        var download = ContentDownload(digest: Self.name(data), size: UInt64(data.count), window: 4)
        let value7 = download.start(now: now)
        #expect(value7.count == 3)
        let short = ContentBytes(digest: Self.name(data), offset: 0, total: UInt64(data.count), bytes: Data(count: 5))
        guard case .failed = download.receive(short, now: now) else {
            Issue.record("a short piece was taken")
            return
        }
        let other = ContentBytes(digest: Self.name(data), offset: UInt64(Self.piece), total: 7, bytes: Data(count: 7))
        guard case .failed = download.receive(other, now: now) else {
            Issue.record("another size was taken")
            return
        }
    }

    @Test func heldContentsAreSharedAndGoWithTheirLastHolder() {
        let data = Data("abc".utf8)
        var held = HeldContents()
        held.hold([Self.name(data): data], for: ShardLease(shard: 1, attempt: 1))
        held.hold([Self.name(data): data], for: ShardLease(shard: 2, attempt: 1))
        let piece = ContentPiece(digest: Self.name(data), offset: 1, length: 1)
        held.forget(ShardLease(shard: 1, attempt: 1))
        #expect(held.answer(piece).bytes == Data("b".utf8))
        held.forget(ShardLease(shard: 2, attempt: 1))
        #expect(held.answer(piece).bytes == nil)
        #expect(held.count == 0)
    }

    @Test func aResultIsReadyWhenItsLastContentIsStored() {
        let contents = (1...20).map { Self.content($0 * 100_000) }
        let results = (0..<10).map { index in
            // Each of the first ten contents belongs to two results.
            let parts: [Data] = [contents[index], contents[index + 10], contents[(index + 1) % 10]]
            return Self.result(Int64(index + 1), parts)
        }
        var held = HeldContents()
        for (index, data) in contents.enumerated() { held.hold([Self.name(data): data], for: ShardLease(shard: Int64(index), attempt: 9)) }
        var uploads = PeerUploads(contentLimit: 4, window: 2)
        // One content is in the ledger already; one result has nothing else missing.
        let known: Set<Data> = [Self.name(contents[0])]
        let free = Self.result(99, [contents[0]])
        var step = uploads.add(results + [free], present: known, now: now)
        #expect(step.ready == [free])
        // Repeated results are not taken twice.
        let repeated = uploads.add(results, present: known, now: now)
        #expect(repeated == PeerUploads.Step())
        var ready: [ShardResult] = []
        var stored = 0
        var asked = step.ask
        while !asked.isEmpty {
            #expect(uploads.piecesUnderWay <= 8)
            let received = uploads.receive(held.answer(asked.removeFirst()), now: now)
            if let piece = received.store { stored += piece.bytes.count }
            step = uploads.proceed(after: received, now: now)
            asked += step.ask
            ready += step.ready
        }
        #expect(Set(ready) == Set(results))
        #expect(ready.count == 10)
        #expect(stored == contents.dropFirst().reduce(0) { $0 + $1.count })
        #expect(uploads.waitingCount == 0)
    }

    @Test func resultsWhoseContentIsGoneAreNamedAndDropped() {
        let blob = ShardResult.Blob(digest: Data(count: 32), size: 5)
        let result = ShardResult(lease: ShardLease(shard: 1, attempt: 1), rows: Data(), record: Data(), blobs: [blob])
        var uploads = PeerUploads()
        let step = uploads.add([result], present: [], now: now)
        let received = uploads.receive(HeldContents().answer(step.ask[0]), now: now)
        #expect(received.failure != nil)
        let value8 = uploads.takeWaiting(for: blob.digest)
        #expect(value8 == [result.lease])
        #expect(uploads.waitingCount == 0)
    }
}
