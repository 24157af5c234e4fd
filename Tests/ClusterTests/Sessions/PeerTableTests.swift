import Cluster
import Foundation
import Testing
import Wire

@Suite struct PeerTableTests {
    let a = Data("a".utf8)
    let b = Data("b".utf8)
    let now = ContinuousClock.now

    static func table() -> PeerTable { PeerTable(silenceLimit: .seconds(6), requiredStages: ["cam", "labels"]) }

    static func hello(
        boot: UInt8 = 0, stages: [String] = ["labels", "cam", "more"], lowest: UInt32 = 1, highest: UInt32 = 1
    ) -> Hello {
        Hello(
            lowestVersion: lowest, highestVersion: highest, worker: "w", boot: Data(repeating: boot, count: 16), slots: 1,
            centres: [], stages: stages, numericSetup: "", program: "", host: "", process: 1)
    }

    static func isRefused(_ action: PeerTable.Action, _ code: Refused.Code) -> Bool {
        if case .refuse(let refused) = action { refused.code == code } else { false }
    }

    @Test func strangersMustSayHello() {
        var table = Self.table()
        let value1 = table.receive(.want(limit: 1), from: a, now: now)
        #expect(Self.isRefused(value1, .unknownSession))
        let value2 = table.receive(.hello(Self.hello()), from: a, now: now)
        #expect(value2 == .introduce(Self.hello(), replacing: nil))
        let value3 = table.receive(.want(limit: 1), from: a, now: now)
        #expect(value3 == .accept)
        let value4 = table.receive(.want(limit: 1), from: b, now: now)
        #expect(Self.isRefused(value4, .unknownSession))
    }

    @Test func clientsNeedNoSession() {
        var table = Self.table()
        let value5 = table.receive(.statusQuery(request: 1, job: 0), from: a, now: now)
        #expect(value5 == .accept)
        let value6 = table.receive(.cancelJob(request: 1, job: 1, reason: ""), from: a, now: now)
        #expect(value6 == .accept)
        #expect(table.count == 0)
    }

    @Test func otherVersionsAndProgramsAreRefused() {
        var table = Self.table()
        let value7 = table.receive(.hello(Self.hello(lowest: 2, highest: 3)), from: a, now: now)
        #expect(Self.isRefused(value7, .version))
        let value8 = table.receive(.hello(Self.hello(lowest: 0, highest: 0)), from: a, now: now)
        #expect(Self.isRefused(value8, .version))
        let value9 = table.receive(.hello(Self.hello(lowest: 1, highest: 9)), from: a, now: now)
        #expect(value9 != .accept)
        let action = table.receive(.hello(Self.hello(stages: ["labels"])), from: b, now: now)
        #expect(Self.isRefused(action, .version))
        if case .refuse(let refused) = action { #expect(refused.reason.contains("cam")) }
    }

    @Test func whatOnlyACoordinatorSaysIsRefused() {
        var table = Self.table()
        _ = table.receive(.hello(Self.hello()), from: a, now: now)
        let value10 = table.receive(.acks([]), from: a, now: now)
        #expect(Self.isRefused(value10, .malformed))
        let value11 = table.receive(.assign([]), from: a, now: now)
        #expect(Self.isRefused(value11, .malformed))
    }

    @Test func aReconnectionReplacesTheEarlierConnection() {
        var table = Self.table()
        _ = table.receive(.hello(Self.hello()), from: a, now: now)
        let value12 = table.receive(.hello(Self.hello()), from: b, now: now)
        #expect(value12 == .introduce(Self.hello(), replacing: a))
        #expect(table.identity(of: a) == nil)
        #expect(table.count == 1)
        // Saying hello twice on one connection replaces nothing.
        let value13 = table.receive(.hello(Self.hello()), from: b, now: now)
        #expect(value13 == .introduce(Self.hello(), replacing: nil))
        // Another life of the same worker is another worker.
        #expect(
            table.receive(.hello(Self.hello(boot: 9)), from: a, now: now) == .introduce(Self.hello(boot: 9), replacing: nil))
        #expect(table.count == 2)
    }

    @Test func aCoordinatorThatStoodStillTakesNobodyForSilent() {
        var table = Self.table()
        _ = table.receive(.hello(Self.hello()), from: a, now: now)
        table.nobodyListened(for: .seconds(30))
        let early = table.takeSilent(now: now + .seconds(35))
        #expect(early.isEmpty)
        let late = table.takeSilent(now: now + .seconds(36))
        #expect(late == [a])
    }

    @Test func silenceIsCountedFromTheLastWordOfAnyKind() {
        var table = Self.table()
        _ = table.receive(.hello(Self.hello()), from: a, now: now)
        _ = table.receive(.hello(Self.hello(boot: 1)), from: b, now: now)
        _ = table.receive(.want(limit: 1), from: b, now: now + .seconds(4))
        let value14 = table.takeSilent(now: now + .seconds(5))
        #expect(value14.isEmpty)
        let value15 = table.takeSilent(now: now + .seconds(6))
        #expect(value15 == [a])
        let value16 = table.takeSilent(now: now + .seconds(6))
        #expect(value16.isEmpty)
        let value17 = table.takeSilent(now: now + .seconds(10))
        #expect(value17 == [b])
        let value18 = table.receive(.want(limit: 2), from: b, now: now + .seconds(11))
        #expect(Self.isRefused(value18, .unknownSession))
    }

    @Test func aFarewellForgetsTheConnection() {
        var table = Self.table()
        _ = table.receive(.hello(Self.hello()), from: a, now: now)
        let value19 = table.receive(.goodbye(reason: ""), from: a, now: now)
        #expect(value19 == .farewell)
        #expect(table.count == 0)
        let value20 = table.receive(.goodbye(reason: ""), from: a, now: now)
        #expect(Self.isRefused(value20, .unknownSession))
    }

    @Test func withKeysEveryMessageMustComeFromTheKeyOfItsWorker() {
        var table = PeerTable(silenceLimit: .seconds(6), requiredStages: [], checksIdentity: true)
        let nobody = table.receive(.hello(Self.hello()), from: a, now: now)
        #expect(Self.isRefused(nobody, .identity))
        let another = table.receive(.hello(Self.hello()), from: a, user: "v", now: now)
        #expect(Self.isRefused(another, .identity))
        let itself = table.receive(.hello(Self.hello()), from: a, user: "w", now: now)
        #expect(itself == .introduce(Self.hello(), replacing: nil))
        let stolen = table.receive(.want(limit: 1), from: a, user: "v", now: now)
        #expect(Self.isRefused(stolen, .identity))
        let genuine = table.receive(.want(limit: 1), from: a, user: "w", now: now)
        #expect(genuine == .accept)
        let client = table.receive(.statusQuery(request: 1, job: 0), from: b, user: "anyone", now: now)
        #expect(client == .accept)
    }
}
