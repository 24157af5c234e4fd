import Digest
import Foundation
import Imaging
import Stages
import Synchronization
import Testing

@Suite struct ImageStoreTests {
    private func picture(_ side: Int, _ value: UInt8 = 0) -> Image8 { Image8(width: side, height: side, channels: 3, fill: value) }

    private func key(_ number: Int, side: Int = 32, reading: ImageStore.Key.Reading = .colour) -> ImageStore.Key {
        .init(.content(SHA256Digest(hashing: Data("\(number)".utf8))), side: side, reading: reading)
    }

    @Test func theBoundIsKeptAndTheLeastRecentlyUsedGoes() {
        let store = ImageStore()
        // A picture of 32 × 32 × 3 and what its entry costs: three fit.
        let limit = 3 * 3_600
        for number in 0..<50 {
            _ = store.image(key(number), limit: limit) { picture(32) }
            #expect(store.bytes <= limit)
            _ = store.image(key(0), limit: limit) { picture(32) }
        }
        var made = 0
        for number in [0, 49, 1] {
            _ = store.image(key(number), limit: limit) {
                made += 1; return picture(32)
            }
        }
        #expect(made == 1, "the one used all the time and the last one are there, an old one is not")
    }

    @Test func whoeverAllowsLessIsObeyedAndNothingTooLargeIsKept() {
        let store = ImageStore()
        for number in 0..<10 { _ = store.image(key(number), limit: 1 << 20) { picture(32) } }
        #expect(store.bytes > 30_000)
        _ = store.image(key(10, side: 64), limit: 10_000) { picture(64) }
        #expect(store.bytes <= 10_000)
        _ = store.image(key(11), limit: 0) { picture(32) }
        #expect(store.bytes == 0)
    }

    @Test func sourceSideAndReadingTellPicturesApart() throws {
        let store = ImageStore()
        let keys = [key(1), key(2), key(1, side: 64), key(1, reading: .reducedColour), key(1, reading: .mask)]
        for (value, key) in keys.enumerated() { _ = store.image(key, limit: 1 << 20) { picture(32, UInt8(value)) } }
        for (value, key) in keys.enumerated() {
            #expect(store.image(key, limit: 1 << 20) { picture(32, 99) }.pixels.first == UInt8(value))
        }
        // That a mask shows nothing is remembered, and an error is not.
        var looks = 0
        for _ in 0..<2 {
            #expect(
                store.mask(key(7, reading: .mask), limit: 1 << 20) {
                    looks += 1; return nil
                } == nil)
        }
        #expect(looks == 1)
        #expect(throws: CocoaError.self) { try store.image(key(8), limit: 1 << 20) { throw CocoaError(.fileReadUnknown) } }
        #expect(store.image(key(8), limit: 1 << 20) { picture(32, 5) }.pixels.first == 5)
    }

    @Test func aFileIsAnotherOnceItWasWrittenAgain() throws {
        let file = FileManager.default.temporaryDirectory.appendingPathComponent("identity-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: file) }
        try Data("one".utf8).write(to: file)
        let first = try FileIdentity(of: file)
        #expect(try FileIdentity(of: file) == first)
        // As long as before, and its old time of change put back, as a copy may do.
        let date = try #require(try FileManager.default.attributesOfItem(atPath: file.path)[.modificationDate] as? Date)
        Thread.sleep(forTimeInterval: 0.02)
        try Data("two".utf8).write(to: file)
        try FileManager.default.setAttributes([.modificationDate: date], ofItemAtPath: file.path)
        #expect(try FileIdentity(of: file) != first)
        try FileManager.default.removeItem(at: file)
        #expect { try FileIdentity(of: file) } throws: { !"\($0)".contains(file.lastPathComponent) }
    }

    @Test func manyThreadsKeepTheBound() {
        let store = ImageStore()
        let wrong = Mutex(0)
        DispatchQueue.concurrentPerform(iterations: 8) { thread in
            for step in 0..<500 {
                let number = (step * 7 + thread) % 40
                let seen = store.image(key(number), limit: 50_000) { picture(32, UInt8(number)) }
                if seen.pixels.first != UInt8(number) || store.bytes > 50_000 { wrong.withLock { $0 += 1 } }
            }
        }
        #expect(wrong.withLock { $0 } == 0)
    }
}
