import Foundation
import Testing
import ZeroMQ

@Suite struct EndpointTests {
    @Test(arguments: [
        "tcp://127.0.0.1:5570", "tcp://127.9.0.1:1", "tcp://localhost:65535", "tcp://[::1]:5570", "tcp://127.0.0.1:*",
        "ipc:///run/endoked/socket", "ipc://relative",
    ])
    func localEndpointsAreReadAndPrintedAlike(text: String) throws {
        let endpoint = try Endpoint(text)
        #expect(endpoint.description == text)
        #expect(endpoint.isLocal)
        try endpoint.requireProtection(hasKeys: false, allowPlaintext: false)
    }

    @Test(arguments: [
        "tcp://0.0.0.0:5570", "tcp://*:5570", "tcp://[::]:5570", "tcp://127.example.org:5570", "tcp://127.0.0:5570",
        "tcp://10.1.2.3:5570", "tcp://coordinator:5570", "tcp://localhost.example:1",
    ])
    func otherHostsNeedKeysOrAnExplicitWord(text: String) throws {
        let endpoint = try Endpoint(text)
        #expect(!endpoint.isLocal)
        try endpoint.requireProtection(hasKeys: true, allowPlaintext: false)
        try endpoint.requireProtection(hasKeys: false, allowPlaintext: true)
        let error = try #require(throws: ZeroMQError.self) {
            try endpoint.requireProtection(hasKeys: false, allowPlaintext: false)
        }
        #expect(error.code == .plaintextRefused)
        #expect(error.message.contains(text))
    }

    @Test func namesAreListenedAtByTheirAddress() throws {
        #expect(try Endpoint("tcp://localhost:5570").forListening().description == "tcp://127.0.0.1:5570")
        for same in ["tcp://*:5570", "tcp://127.0.0.1:*", "tcp://[::1]:5570", "tcp://lo:5570", "ipc:///run/x"] {
            #expect(try Endpoint(same).forListening().description == same)
        }
        let host = ProcessInfo.processInfo.hostName
        if let own = try? Endpoint("tcp://\(host):5570").forListening() { #expect(own.description != "tcp://\(host):5570") }
        let socket = try Socket(.router, in: try Context())
        let bound = try socket.bind(try Endpoint("tcp://localhost:*"))
        guard case .tcp("127.0.0.1", let port?) = bound.transport else {
            Issue.record("\(bound)")
            return
        }
        #expect(port > 0)
    }

    @Test func aNameThatIsNotKnownIsSaidAtOnce() throws {
        let endpoint = try Endpoint("tcp://no-such-host.invalid:5570")
        for error in [
            #expect(throws: ZeroMQError.self) { try endpoint.requireConnectable() },
            #expect(throws: ZeroMQError.self) { _ = try endpoint.forListening() },
        ] { #expect(error?.code == .unresolved && error?.message.contains("no-such-host.invalid is not known") == true) }
        for text in ["tcp://*:5570", "tcp://127.0.0.1:*"] {
            let error = #expect(throws: ZeroMQError.self) { try Endpoint(text).requireConnectable() }
            #expect(error?.code == .endpoint && error?.message.contains("* is for listening") == true)
        }
        for text in ["tcp://127.0.0.1:5570", "tcp://localhost:5570", "tcp://[::1]:5570", "ipc://x"] {
            try Endpoint(text).requireConnectable()
        }
    }

    @Test func whatCannotBeListenedAtIsToldWithWhatToDo() throws {
        for (text, says) in [
            ("ipc:///no/such/folder/socket", "the folder of this socket does not exist"), ("tcp://192.0.2.1:5570", "no such address"),
        ] {
            let error = #expect(throws: ZeroMQError.self) { try Socket(.router, in: try Context()).bind(try Endpoint(text)) }
            #expect(error?.message.contains(says) == true, "\(error?.message ?? "")")
        }
    }

    @Test(arguments: [
        "", "tcp://", "tcp://host", "tcp://host:", "tcp://host:0", "tcp://host:65536", "tcp://host:-1", "tcp://:5570",
        "tcp://ho st:5570", "tcp://a;b:5570", "ws://127.0.0.1:80", "pgm://eth0;239.0.0.1:5570", "norm://x:1", "tipc://1",
        "inproc://x", "ipc://", "udp://127.0.0.1:1", "TCP://127.0.0.1:1", "tcp://a:b:1",
        "ipc:///" + String(repeating: "x", count: 110),
    ])
    func everythingElseIsRefused(text: String) throws {
        let error = try #require(throws: ZeroMQError.self) { try Endpoint(text) }
        #expect(error.code == .endpoint)
    }
}
