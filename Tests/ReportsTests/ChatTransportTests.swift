import Foundation
import Glibc
import Testing

import Reports

@Suite(.serialized) struct ChatTransportTests {
    private func post(_ transport: ChatTransport, _ base: String, timeout: Double = 600) async throws -> ChatTransport.Reply {
        let url = try Endpoint(base, allowed: ["localhost:443"]).url
        return try await transport.post(Data("{}".utf8), to: url, headers: ["Content-Type": "application/json"], timeout: timeout)
    }

    /// Processor seconds of this process.
    private func processorTime() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }

    /// URLSession spent most of a processor here.
    @Test func waitingForASlowModelCostsNoProcessor() async throws {
        let server = try ChatServer { _, _ in .silence }
        defer { server.close() }
        let transport = ChatTransport(largestReply: 1000)
        let before = processorTime()
        await #expect { try await post(transport, server.base, timeout: 3) } throws: { ($0 as? ReportsError)?.code == .timedOut }
        #expect(processorTime() - before < 0.5)
    }

    @Test func aCancelledTaskWaitsNoLonger() async throws {
        let server = try ChatServer { _, _ in .silence }
        defer { server.close() }
        let transport = ChatTransport(largestReply: 1000)
        let task = Task { try await post(transport, server.base) }
        while server.bodies.isEmpty { try await Task.sleep(nanoseconds: 5_000_000) }
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
    }

    @Test func closingEndsWhatIsUnderWay() async throws {
        let server = try ChatServer { _, _ in .silence }
        defer { server.close() }
        let transport = ChatTransport(largestReply: 1000)
        let task = Task { try await post(transport, server.base) }
        while server.bodies.isEmpty { try await Task.sleep(nanoseconds: 5_000_000) }
        transport.close()
        await #expect(throws: CancellationError.self) { try await task.value }
    }

    @Test func overTLSOnlyWhoTheAuthoritiesVouchForIsTold() async throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let (key, certificate) = (folder.path + "/key.pem", folder.path + "/certificate.pem")
        let make = try openssl([
            "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", key, "-out", certificate,
            "-days", "2", "-subj", "/CN=model", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
        ])
        make.waitUntilExit()
        #expect(make.terminationStatus == 0)
        // Says its one reply to the first who comes, trusting or not, and writes what it was told: each try has its own.
        func served(_ number: Int, _ body: (Int) async throws -> Void) async throws -> String {
            let (told, port, input) = (folder.path + "/told-\(number)", 20_000 + Int(getpid()) % 20_000 + number, Pipe())
            let server = try openssl(
                ["s_server", "-quiet", "-accept", "127.0.0.1:\(port)", "-cert", certificate, "-key", key], input: input, output: told)
            try input.fileHandleForWriting.write(contentsOf: Data("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello".utf8))
            // Not SIGTERM: a child of this thread has it blocked.
            defer { kill(server.processIdentifier, SIGKILL) }
            try await body(port)
            // The reply may have come before the question was written down.
            try await Task.sleep(nanoseconds: 500_000_000)
            return String(decoding: try Data(contentsOf: URL(fileURLWithPath: told)), as: UTF8.self)
        }
        /// What the first answer is that is not the server's being on its way.
        func answer(_ base: String) async throws -> ChatTransport.Reply {
            let transport = ChatTransport(largestReply: 1000)
            var tries = 0
            while true {
                do { return try await post(transport, base, timeout: 10) } catch let error as ReportsError
                    where tries < 200 && error.message.contains("no model listens")
                {
                    tries += 1
                    try await Task.sleep(nanoseconds: 20_000_000)
                }
            }
        }
        let unheard = try await served(0) { port in
            await #expect {
                try await answer("https://127.0.0.1:\(port)")
            } throws: { ($0 as? ReportsError)?.message.contains("certificate") == true }
        }
        #expect(!unheard.contains("POST"))
        setenv("SSL_CERT_FILE", certificate, 1)
        defer { unsetenv("SSL_CERT_FILE") }
        let heard = try await served(1) { port in
            let reply = try await answer("https://localhost:\(port)")
            #expect(reply.status == 200 && reply.body == Data("hello".utf8))
        }
        #expect(heard.contains("POST /v1/chat/completions"))
    }

    private func openssl(_ arguments: [String], input: Pipe? = nil, output: String? = nil) throws -> Process {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/openssl")
        process.arguments = arguments
        process.standardInput = input ?? FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        if let output {
            _ = FileManager.default.createFile(atPath: output, contents: nil)
            process.standardOutput = FileHandle(forWritingAtPath: output)
        } else {
            process.standardOutput = FileHandle.nullDevice
        }
        try process.run()
        return process
    }
}
