import Foundation
import Testing
import ZeroMQ

@Suite struct SocketTests {
    /// A router and a dealer over a real loopback connection.
    struct Pair {
        let router: Socket
        let dealer: Socket
        let wakeUp: WakeUp
        var routerPoller: Poller
        var dealerPoller: Poller

        init(id: String = "worker#1", routerOptions: SocketOptions = SocketOptions(), endpoint: String = "tcp://127.0.0.1:*")
            throws
        {
            let context = try Context()
            wakeUp = try WakeUp()
            router = try Socket(.router, in: context, options: routerOptions)
            let bound = try router.bind(try Endpoint(endpoint))
            var options = SocketOptions()
            options.routingID = Data(id.utf8)
            dealer = try Socket(.dealer, in: context, options: options)
            try dealer.connect(bound)
            routerPoller = Poller(sockets: [router], wakeUp: wakeUp)
            dealerPoller = Poller(sockets: [dealer], wakeUp: wakeUp)
        }

        /// Sends from the dealer, which may have to wait for its connection.
        func sendFromDealer(_ frames: [Data]) throws {
            for _ in 0..<500 {
                if try dealer.send(frames.map { try Message($0) }) == .sent { return }
                usleep(10_000)
            }
            Issue.record("the dealer never connected")
        }

        mutating func receiveAtRouter() throws -> [Data] {
            _ = try routerPoller.wait(atMost: .seconds(5))
            return try #require(try router.receive()).map(\.data)
        }

        mutating func receiveAtDealer() throws -> [Data] {
            _ = try dealerPoller.wait(atMost: .seconds(5))
            return try #require(try dealer.receive()).map(\.data)
        }
    }

    @Test func framesArriveWholeInBothDirections() throws {
        var pair = try Pair()
        // Sizes on both sides of the limit between copying and sharing.
        let frames = [0, 1, Message.smallestSharedSize - 1, Message.smallestSharedSize, 1 << 20].map { size in
            Data((0..<size).map { UInt8(truncatingIfNeeded: $0 &* 31) })
        }
        try pair.sendFromDealer(frames)
        let received = try pair.receiveAtRouter()
        #expect(received.first == Data("worker#1".utf8))
        #expect(Array(received.dropFirst()) == frames)
        #expect(try pair.router.send(received.map { try Message($0) }) == .sent)
        #expect(try pair.receiveAtDealer() == frames)
    }

    @Test func aUnixSocketWorksToo() throws {
        let path = NSTemporaryDirectory() + "endoked-\(UUID().uuidString).sock"
        defer { try? FileManager.default.removeItem(atPath: path) }
        var pair = try Pair(endpoint: "ipc://\(path)")
        try pair.sendFromDealer([Data("hello".utf8)])
        #expect(try pair.receiveAtRouter().last == Data("hello".utf8))
    }

    @Test func sharedBytesOutliveTheirDataAndSlicesKeepTheirPlace() throws {
        var pair = try Pair()
        do {
            let whole = Data((0..<100_000).map { UInt8(truncatingIfNeeded: $0) })
            try pair.sendFromDealer([whole[50_001...]])
        }
        let received = try #require(try pair.receiveAtRouter().last)
        #expect(received == Data((50_001..<100_000).map { UInt8(truncatingIfNeeded: $0) }))
    }

    @Test func receivedBytesMayBeKeptWithoutACopy() throws {
        var pair = try Pair()
        let sent = Data((0..<50_000).map { UInt8(truncatingIfNeeded: $0 / 7) })
        try pair.sendFromDealer([sent])
        _ = try pair.routerPoller.wait(atMost: .seconds(5))
        var kept: Data?
        do {
            let frames = try #require(try pair.router.receive())
            kept = frames[1].sharedData()
        }
        #expect(kept == sent)
    }

    @Test func aMessageToNobodyIsSaidToBeUnroutable() throws {
        let pair = try Pair()
        #expect(try pair.router.send([try Message(bytes: "stranger".utf8), try Message(bytes: [1])]) == .unroutable)
    }

    @Test func readingAnEmptySocketIsAValueNotAnError() throws {
        let pair = try Pair()
        #expect(try pair.router.receive() == nil)
    }

    @Test func aFullQueueIsSaidAndNothingIsLostSilently() throws {
        var options = SocketOptions()
        options.sendHighWaterMark = 4
        options.receiveHighWaterMark = 4
        var pair = try Pair(routerOptions: options)
        try pair.sendFromDealer([Data("here".utf8)])
        let id = try pair.receiveAtRouter()[0]
        let bulk = Data(count: 1 << 20)
        var sent = 0
        var outcome = Socket.SendOutcome.sent
        while outcome == .sent, sent < 1000 {
            outcome = try pair.router.send([try Message(id), try Message(bulk)])
            if outcome == .sent { sent += 1 }
        }
        #expect(outcome == .wouldBlock)
        for _ in 0..<sent { #expect(try pair.receiveAtDealer() == [bulk]) }
    }

    @Test func aFrameThatIsTooLargeCostsItsSenderTheConnection() throws {
        var options = SocketOptions()
        options.maximumFrameSizeInBytes = 1000
        var pair = try Pair(routerOptions: options)
        try pair.sendFromDealer([Data(count: 5000)])
        _ = try pair.routerPoller.wait(atMost: .milliseconds(200))
        #expect(try pair.router.receive() == nil)
        // It reconnects and may speak again.
        try pair.sendFromDealer([Data(count: 10)])
        #expect(try pair.receiveAtRouter().last?.count == 10)
    }

    @Test func excessFramesAreDroppedAndTheNextMessageIsWhole() throws {
        var pair = try Pair()
        try pair.sendFromDealer((0..<100).map { Data([UInt8($0)]) })
        try pair.sendFromDealer([Data("next".utf8)])
        _ = try pair.routerPoller.wait(atMost: .seconds(5))
        #expect(try pair.router.receive(maximumFrames: 8)?.count == 8)
        #expect(try pair.receiveAtRouter().last == Data("next".utf8))
    }

    @Test func aWakeUpEndsTheWait() throws {
        var pair = try Pair()
        let wakeUp = pair.wakeUp
        Thread.detachNewThread { wakeUp.signal() }
        let start = ContinuousClock.now
        #expect(try pair.routerPoller.wait(atMost: .seconds(20)).isWoken)
        #expect(ContinuousClock.now - start < .seconds(10))
        #expect(try !pair.routerPoller.wait(atMost: .zero).isWoken)
    }

    @Test func aTakenPortIsNamed() throws {
        let context = try Context()
        let first = try Socket(.router, in: context)
        let bound = try first.bind(try Endpoint("tcp://127.0.0.1:*"))
        let second = try Socket(.router, in: context)
        let error = try #require(throws: ZeroMQError.self) { try second.bind(bound) }
        #expect(error.code == .addressInUse)
        #expect(error.message.contains(bound.description))
    }

    @Test func theMonitorTellsOfConnections() throws {
        let context = try Context()
        let router = try Socket(.router, in: context)
        let monitor = try SocketMonitor(observing: router, in: context, name: "test")
        let bound = try router.bind(try Endpoint("tcp://127.0.0.1:*"))
        let dealer = try Socket(.dealer, in: context)
        try dealer.connect(bound)
        var seen: [SocketMonitor.Event] = []
        for _ in 0..<200 where !seen.contains(where: { if case .handshakeSucceeded = $0 { true } else { false } }) {
            if let event = try monitor.next() { seen.append(event) } else { usleep(10_000) }
        }
        #expect(seen.contains { if case .accepted = $0 { true } else { false } })
        #expect(seen.contains { if case .handshakeSucceeded = $0 { true } else { false } })
    }
}
