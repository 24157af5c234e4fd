import Cluster
import Digest
import Foundation
import Synchronization
import Testing

@Suite struct ContentStoreTests {
    struct Cancelled: Error {}

    /// Runs `body` on threads of their own and waits for all.
    static func onThreads(_ count: Int, _ body: @escaping @Sendable (Int) -> Void) {
        let group = DispatchGroup()
        for index in 0..<count {
            group.enter()
            Thread.detachNewThread {
                body(index)
                group.leave()
            }
        }
        group.wait()
    }

    @Test func oneFetchServesAllSlotsThatAsk() throws {
        let data = Data("parameters".utf8)
        let digest = SHA256Digest(hashing: data)
        let asked = Mutex(0)
        let store = ContentStore(budget: 1000) { _ in asked.withLock { $0 += 1 } }
        let answers = Mutex<[Data]>([])
        Thread.detachNewThread {
            Thread.sleep(forTimeInterval: 0.1)
            store.deliver(data, for: digest)
        }
        Self.onThreads(4) { _ in
            if let answer = try? store.content(digest, checkCancellation: {}) { answers.withLock { $0.append(answer) } }
        }
        #expect(answers.withLock { $0 } == [data, data, data, data])
        #expect(asked.withLock { $0 } == 1)
        // Kept: nobody is asked again.
        #expect(try store.content(digest, checkCancellation: {}) == data)
        #expect(asked.withLock { $0 } == 1)
    }

    @Test func bytesWithAnotherDigestAreRefusedAndMayBeFetchedAgain() throws {
        let data = Data("parameters".utf8)
        let digest = SHA256Digest(hashing: data)
        let attempts = Mutex(0)
        let box = Mutex<ContentStore?>(nil)
        let store = ContentStore(budget: 1000) { digest in
            let attempt = attempts.withLock { count in
                count += 1
                return count
            }
            Thread.detachNewThread {
                box.withLock { $0 }?.deliver(attempt == 1 ? Data("forged".utf8) : data, for: digest)
            }
        }
        box.withLock { $0 = store }
        let error = try #require(throws: ClusterError.self) { try store.content(digest, checkCancellation: {}) }
        #expect(error.code == .missingContent)
        #expect(try store.content(digest, checkCancellation: {}) == data)
    }

    /// Twice the budget: everyone who waits gets it, and it is not kept beyond them.
    @Test func whatIsLargerThanTheBudgetGoesToThoseWhoWaitAndIsLetGo() throws {
        let (large, small) = (Data(repeating: 7, count: 2000), Data(repeating: 8, count: 400))
        let contents = Dictionary(uniqueKeysWithValues: [large, small].map { (SHA256Digest(hashing: $0), $0) })
        let asked = Mutex<[SHA256Digest]>([])
        let box = Mutex<ContentStore?>(nil)
        let store = ContentStore(budget: 1000) { digest in
            asked.withLock { $0.append(digest) }
            Thread.detachNewThread {
                Thread.sleep(forTimeInterval: 0.5)
                if let data = contents[digest] { box.withLock { $0 }?.deliver(data, for: digest) }
            }
        }
        box.withLock { $0 = store }
        let (first, second) = (SHA256Digest(hashing: large), SHA256Digest(hashing: small))
        #expect(try store.content(second, checkCancellation: {}) == small)
        let answers = Mutex(0)
        Self.onThreads(3) { _ in
            if let answer = try? store.content(first, checkCancellation: {}), answer == large { answers.withLock { $0 += 1 } }
        }
        #expect(answers.withLock { $0 } == 3 && asked.withLock { $0 } == [second, first])
        #expect(try store.content(first, checkCancellation: {}) == large)
        #expect(asked.withLock { $0 } == [second, first, first])
    }

    /// What comes when nobody waits any more is not kept unverified: whoever asks next fetches it again.
    @Test func whatComesTooLateIsFetchedAgain() throws {
        let data = Data("parameters".utf8)
        let digest = SHA256Digest(hashing: data)
        let asked = Mutex(0)
        let box = Mutex<ContentStore?>(nil)
        let store = ContentStore(budget: 1000) { _ in
            let isSecond = asked.withLock { count in
                count += 1
                return count == 2
            }
            if isSecond { Thread.detachNewThread { box.withLock { $0 }?.deliver(data, for: digest) } }
        }
        box.withLock { $0 = store }
        #expect(throws: Cancelled.self) { try store.content(digest, checkCancellation: { throw Cancelled() }) }
        store.deliver(data, for: digest)
        #expect(try store.content(digest, checkCancellation: {}) == data)
        #expect(asked.withLock { $0 } == 2)
    }

    @Test func aCancelledShardStopsWaiting() {
        let store = ContentStore(budget: 1000) { _ in }
        let start = ContinuousClock.now
        #expect(throws: Cancelled.self) {
            try store.content(SHA256Digest(hashing: Data()), checkCancellation: { throw Cancelled() })
        }
        #expect(ContinuousClock.now - start < .seconds(5))
    }

    @Test func whatCannotBeFetchedSaysWhy() throws {
        let digest = SHA256Digest(hashing: Data("gone".utf8))
        let box = Mutex<ContentStore?>(nil)
        let store = ContentStore(budget: 1000) { digest in
            Thread.detachNewThread { box.withLock { $0 }?.fail(digest, reason: "it was pruned") }
        }
        box.withLock { $0 = store }
        let error = try #require(throws: ClusterError.self) { try store.content(digest, checkCancellation: {}) }
        #expect(error.message.contains("it was pruned"))
        #expect(error.message.contains(digest.hex))
    }

    @Test func sharedObjectsAreMadeOnceAndTheLeastUsedGoFirst() throws {
        let objects = SharedObjects(capacity: 2)
        let made = Mutex<[String]>([])
        @Sendable func object(_ key: String) throws -> String {
            try objects.object(key) {
                made.withLock { $0.append(key) }
                Thread.sleep(forTimeInterval: 0.02)
                return "object \(key)"
            }
        }
        Self.onThreads(4) { _ in _ = try? object("a") }
        #expect(made.withLock { $0 } == ["a"])
        _ = try object("b")
        _ = try object("a")
        _ = try object("c")
        #expect(try object("a") == "object a")
        _ = try object("b")
        #expect(made.withLock { $0 } == ["a", "b", "c", "b"])
        #expect(throws: ClusterError.self) { try objects.object("a") { 7 } }
    }

    @Test func anObjectThatCouldNotBeMadeIsTriedAgain() throws {
        let objects = SharedObjects(capacity: 2)
        #expect(throws: Cancelled.self) { try objects.object("a") { () throws -> Int in throw Cancelled() } }
        #expect(try objects.object("a") { 5 } == 5)
    }
}
