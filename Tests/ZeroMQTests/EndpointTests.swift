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
