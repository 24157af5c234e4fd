import Archives
import Foundation
import Testing

@Suite struct CentreKeyTests {
    private func folder() -> URL {
        FileManager.default.temporaryDirectory.appendingPathComponent("keys-test-\(UUID().uuidString)/keys")
    }

    @Test func aKeyIsMadeOnceAndKeptForItsOwner() throws {
        let folder = folder()
        defer { try? FileManager.default.removeItem(at: folder.deletingLastPathComponent()) }
        let key = try CentreKeyFolder(folder).key(ofCentre: "north")
        #expect(try CentreKeyFolder(folder).key(ofCentre: "north") == key)
        #expect(try CentreKeyFolder(folder).key(ofCentre: "south") != key)
        let file = folder.appendingPathComponent("north.key")
        let modes = try [file, folder].map {
            try FileManager.default.attributesOfItem(atPath: $0.path)[.posixPermissions] as? Int
        }
        #expect(modes == [0o600, 0o700])
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted() == ["north.key", "south.key"])
        // Never printed.
        #expect(!"\(key)\(String(reflecting: key))".contains(try String(contentsOf: file, encoding: .utf8).prefix(8)))
    }

    @Test func manyWhoAskAtOnceGetOneKey() throws {
        let folder = folder()
        defer { try? FileManager.default.removeItem(at: folder.deletingLastPathComponent()) }
        let keys = Collected()
        DispatchQueue.concurrentPerform(iterations: 16) { _ in
            keys.add(try? CentreKeyFolder(folder).key(ofCentre: "north"))
        }
        #expect(keys.all.count == 1 && keys.all.first != .some(nil))
    }

    @Test(arguments: ["", "0123", String(repeating: "g", count: 64)])
    func aFileThatIsNoKeyIsSaidAndKept(text: String) throws {
        let folder = folder()
        defer { try? FileManager.default.removeItem(at: folder.deletingLastPathComponent()) }
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let file = folder.appendingPathComponent("north.key")
        try Data(text.utf8).write(to: file)
        let error = #expect(throws: ArchiveError.self) { try CentreKeyFolder(folder).key(ofCentre: "north") }
        #expect(error?.code == .unreadable && error?.message.contains("north.key") == true)
        #expect(try Data(contentsOf: file) == Data(text.utf8))
    }

    @Test func patientKeysDependOnKeyCentreAndPatient() throws {
        let (key, other) = (CentreKey(), CentreKey())
        let made = key.patientKey("Ann", centre: "c")
        #expect(made.count == 64 && made == key.patientKey("Ann", centre: "c"))
        #expect(
            Set([made, key.patientKey("Ann", centre: "d"), key.patientKey("Bob", centre: "c"), other.patientKey("Ann", centre: "c")])
                .count == 4)
    }

    private final class Collected: @unchecked Sendable {
        // @unchecked: `all` is only touched while `lock` is held, or after all threads have ended.
        private let lock = NSLock()
        private(set) var all: Set<CentreKey?> = []
        func add(_ key: CentreKey?) { lock.withLock { _ = all.insert(key) } }
    }
}
