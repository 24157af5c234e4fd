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
        var usage = rusage()
        getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        let times = [usage.ru_utime, usage.ru_stime]
        return times.reduce(0) { $0 + Double($1.tv_sec) + Double($1.tv_usec) / 1e6 }
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
        // Says its one reply to whoever shakes hands, and writes what it was told.
        let told = folder.path + "/told"
        let input = Pipe()
        let port = 20_000 + Int(getpid()) % 20_000
        let server = try openssl(
            ["s_server", "-quiet", "-accept", "127.0.0.1:\(port)", "-cert", certificate, "-key", key], input: input, output: told)
        defer { server.terminate() }
        try input.fileHandleForWriting.write(contentsOf: Data("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello".utf8))
        let transport = ChatTransport(largestReply: 1000)
        var refusal: ReportsError?
        for _ in 0..<200 where refusal?.message.contains("trusted") != true {
            do { _ = try await post(transport, "https://127.0.0.1:\(port)", timeout: 10) } catch let error as ReportsError {
                refusal = error
            }
            try await Task.sleep(nanoseconds: 20_000_000)
        }
        #expect(refusal?.message.contains("certificate") == true)
        setenv("SSL_CERT_FILE", certificate, 1)
        defer { unsetenv("SSL_CERT_FILE") }
        let reply = try await post(transport, "https://localhost:\(port)", timeout: 10)
        #expect(reply.status == 200 && reply.body == Data("hello".utf8))
        // The one that was refused had sent nothing.
        server.terminate()
        server.waitUntilExit()
        let text = String(decoding: try Data(contentsOf: URL(fileURLWithPath: told)), as: UTF8.self)
        #expect(text.components(separatedBy: "POST /v1/chat/completions").count == 2)
    }

    private func openssl(_ arguments: [String], input: Pipe? = nil, output: String? = nil) throws -> Process {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/openssl")
        process.arguments = arguments
        process.standardInput = input ?? FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        if let output {
            FileManager.default.createFile(atPath: output, contents: nil)
            process.standardOutput = FileHandle(forWritingAtPath: output)
        } else {
            process.standardOutput = FileHandle.nullDevice
        }
        try process.run()
        return process
    }
}
