import Foundation
import Testing
import Wire
import ZeroMQ

@Suite struct WireMessageTests {
    @Test(arguments: Samples.all)
    func everyMessageIsReadAsItWasWritten(message: WireMessage) throws {
        let (header, payload) = message.encoded()
        #expect(try WireMessage(header: header, payload: payload) == message)
        #expect(try WireMessage(frames: try message.frames()) == message)
    }

    @Test func aRoutingIdGoesFirst() throws {
        let frames = try WireMessage.want(limit: 3).frames(to: Data("w#1".utf8))
        #expect(frames.first?.data == Data("w#1".utf8))
        #expect(try WireMessage(frames: frames.dropFirst()) == .want(limit: 3))
    }

    @Test func anotherVersionIsNamed() throws {
        // Field 1, varint: the version stands first in every header.
        var header = WireMessage.want(limit: 3).encoded().header
        #expect(header.prefix(2) == Data([8, 1]))
        header[1] = 9
        let error = try #require(throws: WireError.self) { try WireMessage(header: header) }
        #expect(error.code == .version)
        #expect(error.message.contains("version 9"))
    }

    @Test func unknownFieldsAreIgnored() throws {
        // Field 1000, a varint, as a later version may add it.
        let header = WireMessage.want(limit: 3).encoded().header + Data([0xC0, 0x3E, 0x05])
        #expect(try WireMessage(header: header) == .want(limit: 3))
    }

    @Test func anEnvelopeWithoutAKnownBodyIsMalformed() throws {
        #expect(try #require(throws: WireError.self) { try WireMessage(header: Data([8, 1])) }.code == .malformed)
        #expect(try #require(throws: WireError.self) { try WireMessage(header: Data()) }.code == .malformed)
        #expect(try #require(throws: WireError.self) { try WireMessage(frames: []) }.code == .malformed)
    }

    /// Values that are well-formed protobuf but not allowed.
    static let refused: [WireMessage] = [
        .hello(
            Hello(
                worker: "", boot: Data(0..<16), slots: 1, centres: [], stages: [], numericSetup: "", program: "", host: "",
                process: 1)),
        .hello(
            Hello(
                worker: "w", boot: Data(0..<15), slots: 1, centres: [], stages: [], numericSetup: "", program: "", host: "",
                process: 1)),
        .hello(
            Hello(
                worker: "w\u{7}", boot: Data(0..<16), slots: 1, centres: [], stages: [], numericSetup: "", program: "",
                host: "", process: 1)),
        .hello(
            Hello(
                worker: "w", boot: Data(0..<16), slots: 0, centres: [], stages: [], numericSetup: "", program: "", host: "",
                process: 1)),
        .hello(
            Hello(
                worker: String(repeating: "w", count: 2000), boot: Data(0..<16), slots: 1, centres: [], stages: [],
                numericSetup: "", program: "", host: "", process: 1)),
        .welcome(Welcome(epoch: 1, heartbeatInterval: .seconds(2), leaseDuration: .seconds(1), revoked: [])),
        .giveBack([ShardLease(shard: 0, attempt: 1)], reason: ""),
        .giveBack([ShardLease(shard: 1, attempt: -1)], reason: ""),
        .giveBack((1...70_000).map { ShardLease(shard: $0, attempt: 1) }, reason: ""),
        .fetch((0..<65).map { ContentPiece(digest: Samples.digest, offset: $0 << 20, length: 1) }),
        .fetch([ContentPiece(digest: Data(count: 31), offset: 0, length: 1)]),
        .fetch([ContentPiece(digest: Samples.digest, offset: 0, length: 0)]),
        .fetch([ContentPiece(digest: Samples.digest, offset: 0, length: (1 << 20) + 1)]),
        .fetch([ContentPiece(digest: Samples.digest, offset: .max, length: 1)]),
        .content(ContentBytes(digest: Samples.digest, offset: 8, total: 10, bytes: Data(count: 3))),
        .content(ContentBytes(digest: Samples.digest, offset: .max, total: .max, bytes: Data(count: 3))),
        .content(ContentBytes(digest: Samples.digest, offset: 0, total: 2 << 20, bytes: Data(count: (1 << 20) + 1))),
        .results([ShardResult(lease: Samples.leases[0], rows: Data(), record: Data(count: (256 << 10) + 1))]),
        .failures([ShardFailure(lease: Samples.leases[0], code: "", message: "", isInfrastructure: false)]),
    ]

    @Test(arguments: refused)
    func whatTheProtocolDoesNotAllowIsRefused(message: WireMessage) throws {
        let (header, payload) = message.encoded()
        #expect(throws: WireError.self) { try WireMessage(header: header, payload: payload) }
    }

    @Test func payloadsBelongOnlyToContent() throws {
        let (header, _) = WireMessage.want(limit: 1).encoded()
        #expect(throws: WireError.self) { try WireMessage(header: header, payload: [Data([1])]) }
        let (content, payload) = Samples.all[13].encoded()
        #expect(throws: WireError.self) { try WireMessage(header: content, payload: []) }
        #expect(throws: WireError.self) { try WireMessage(header: content, payload: payload + payload) }
    }

    @Test func aNulInATextCannotCutIt() throws {
        let (header, _) = WireMessage.goodbye(reason: "a\0b").encoded()
        #expect(try WireMessage(header: header) == .goodbye(reason: "a b"))
    }
}
