import Foundation
import Reports
import Synchronization
import Testing

@Suite(.serialized) struct LanguageModelExtractorTests {
    static let report = "Patient: Harriet Quillfeather, MRN 4471-902. A 6 mm sessile polyp in the sigmoid, cold snare."

    /// An extractor on `server` that does not wait between tries but notes how long it would have.
    private func extractor(
        _ server: ChatServer, waits: Waits = Waits(), _ change: (inout LanguageModelExtractor.Configuration) throws -> Void = { _ in }
    ) throws -> LanguageModelExtractor {
        var configuration = LanguageModelExtractor.Configuration(
            endpoint: try Endpoint(server.base, allowed: []), model: "test")
        configuration.timeout = 5
        configuration.backoff = Backoff(first: 0.5, longest: 8, tries: 3)
        try change(&configuration)
        return try LanguageModelExtractor(configuration) { waits.add($0) }
    }

    final class Waits: Sendable {
        private let values = Mutex<[Double]>([])
        func add(_ value: Double) { values.withLock { $0.append(value) } }
        var all: [Double] { values.withLock { $0 } }
    }

    private func failure(_ extractor: LanguageModelExtractor, study: String? = "S-1") async -> ReportsError? {
        do {
            _ = try await extractor.findings(in: Self.report, study: study)
            return nil
        } catch { return error as? ReportsError }
    }

    @Test func readsAnAnswerAndFindsItsEvidence() async throws {
        let server = try ChatServer { _, _ in .reply(200, ChatServer.yes) }
        defer { server.close() }
        let findings = try await extractor(server).findings(in: Self.report)
        #expect(findings.polyp == .yes)
        #expect(findings.count == 1)
        #expect(findings.sites == [.sigmoid])
        #expect(findings.maxSizeMillimetres == 6)
        #expect(findings.morphology == [.sessile])
        #expect(findings.evidence?.text(in: Self.report) == "6 mm sessile polyp in the sigmoid")
    }

    /// llama.cpp's Python server answers OpenAI's form with an error of its own status 500.
    @Test func aServerThatKnowsAnotherFormOfSchemaIsAskedInItsOwn() async throws {
        let server = try ChatServer { _, body in
            String(decoding: body, as: UTF8.self).contains("json_schema")
                ? .reply(500, #"{"error": {"message": "loc: ('body', 'response_format', 'type'): expected 'json_object'"}}"#)
                : .reply(200, ChatServer.yes)
        }
        defer { server.close() }
        let waits = Waits()
        let extractor = try extractor(server, waits: waits)
        for _ in 0..<2 { #expect(try await extractor.findings(in: Self.report).polyp == .yes) }
        // The refusal costs one request, once, and no waiting.
        #expect(server.bodies.count == 3 && waits.all.isEmpty)
        let body = try #require(server.bodies.last)
        let object = try #require(JSONSerialization.jsonObject(with: body) as? [String: Any])
        let format = try #require(object["response_format"] as? [String: Any])
        #expect(format["type"] as? String == "json_object")
        // A grammar of two forms: "no" cannot be written beside a polyp.
        let forms = try #require((format["schema"] as? [String: Any])?["anyOf"] as? [[String: Any]])
        #expect(forms.count == 2 && forms.allSatisfy { ($0["properties"] as? [String: Any])?.count == 7 })
    }

    @Test func asksForTheSchemaWithoutAnyIdentifier() async throws {
        let server = try ChatServer { _, _ in .reply(200, ChatServer.yes) }
        defer { server.close() }
        _ = try await extractor(server).findings(in: Self.report)
        let body = try #require(server.bodies.first)
        let text = String(decoding: body, as: UTF8.self)
        #expect(!text.contains("Quillfeather") && !text.contains("4471"))
        #expect(text.contains("6 mm sessile polyp in the sigmoid"))
        let object = try #require(JSONSerialization.jsonObject(with: body) as? [String: Any])
        #expect(object["temperature"] as? Int == 0)
        #expect(object["seed"] as? Int == 1)
        let format = try #require(object["response_format"] as? [String: Any])
        #expect(format["type"] as? String == "json_schema")
        #expect((format["json_schema"] as? [String: Any])?["strict"] as? Bool == true)
        // The sentence is written before the judgement that rests on it.
        let quote = try #require(text.range(of: "\"quote\":{"))
        let polyp = try #require(text.range(of: "\"polyp\":{"))
        #expect(quote.lowerBound < polyp.lowerBound)
        #expect(server.headers[0].hasPrefix("POST /v1/chat/completions "))
    }

    @Test func aBusyServerIsAskedAgainAfterTheWaitItAsksFor() async throws {
        let server = try ChatServer { number, _ in
            number == 0 ? .reply(429, "{}", headers: ["Retry-After": "3"]) : .reply(200, ChatServer.yes)
        }
        defer { server.close() }
        let waits = Waits()
        let findings = try await extractor(server, waits: waits).findings(in: Self.report)
        #expect(findings.polyp == .yes)
        #expect(waits.all == [3])
    }

    @Test func anAnswerBesideTheSchemaIsAskedAgainThenAnErrorThatNamesTheStudy() async throws {
        let server = try ChatServer { _, _ in .reply(200, ChatServer.completion(#"{"polyp":"perhaps"}"#)) }
        defer { server.close() }
        let error = await failure(try extractor(server))
        #expect(error?.code == .answerInvalid)
        #expect(error?.study == "S-1")
        #expect(server.bodies.count == 3)
        #expect(error?.description.contains("perhaps") == false)
    }

    @Test(arguments: [
        #"no JSON at all"#,
        #"{"polyp":"yes","count":0,"sites":[],"max_size_mm":null,"morphology":[],"confidence":0.5,"quote":""}"#,
        #"{"polyp":"no","count":0,"sites":["rectum"],"max_size_mm":null,"morphology":[],"confidence":0.5,"quote":""}"#,
        #"{"polyp":"yes","count":1,"sites":["elbow"],"max_size_mm":null,"morphology":[],"confidence":0.5,"quote":""}"#,
        #"{"polyp":"yes","count":1,"sites":[],"max_size_mm":-3,"morphology":[],"confidence":0.5,"quote":""}"#,
        #"{"polyp":"yes","count":1,"sites":[],"max_size_mm":null,"morphology":[],"confidence":7,"quote":""}"#,
        #"{"polyp":"yes","sites":[],"max_size_mm":null,"morphology":[],"confidence":0.5,"quote":""}"#,
        #"{"polyp":"yes","count":1,"sites":[],"max_size_mm":null,"morphology":[],"confidence":0.5,"quote":"","note":1}"#,
    ])
    func neverGuessesFromABadAnswer(_ content: String) async throws {
        let server = try ChatServer { _, _ in .reply(200, ChatServer.completion(content)) }
        defer { server.close() }
        #expect(await failure(try extractor(server))?.code == .answerInvalid)
    }

    @Test func aBadAnswerFollowedByAGoodOneIsGood() async throws {
        let server = try ChatServer { number, _ in .reply(200, number == 0 ? "{}" : ChatServer.yes) }
        defer { server.close() }
        #expect(try await extractor(server).findings(in: Self.report).polyp == .yes)
    }

    @Test func aSilentServerTimesOut() async throws {
        let server = try ChatServer { _, _ in .silence }
        defer { server.close() }
        let slow = try extractor(server) {
            $0.timeout = 2
            $0.backoff.tries = 2
        }
        #expect(await failure(slow)?.code == .timedOut)
        #expect(server.bodies.count == 2)
    }

    @Test(.timeLimit(.minutes(1))) func anEndlessReplyIsCutOff() async throws {
        let server = try ChatServer { _, _ in .endless }
        defer { server.close() }
        let small = try extractor(server) { $0.largestReply = 200_000 }
        #expect(await failure(small)?.code == .answerTooLarge)
        #expect(server.bodies.count == 1)
    }

    @Test func aLongReplyIsRefusedByItsLength() async throws {
        let server = try ChatServer { _, _ in .reply(200, String(repeating: " ", count: 5000)) }
        defer { server.close() }
        #expect(await failure(try extractor(server) { $0.largestReply = 1000 })?.code == .answerTooLarge)
    }

    @Test func nobodyListeningIsATransportError() async throws {
        let server = try ChatServer { _, _ in .hangUp }
        server.close()
        let error = await failure(try extractor(server))
        #expect(error?.code == .transport)
        #expect(error?.study == "S-1")
    }

    @Test func aWrongKeyIsNotTriedAgain() async throws {
        let server = try ChatServer { _, _ in .reply(401, "{}") }
        defer { server.close() }
        let error = await failure(try extractor(server))
        #expect(error?.code == .httpStatus)
        #expect(server.bodies.count == 1)
    }

    @Test func aRedirectIsNotFollowed() async throws {
        let server = try ChatServer { _, _ in .reply(307, "", headers: ["Location": "http://192.0.2.1/v1/chat/completions"]) }
        defer { server.close() }
        let error = await failure(try extractor(server))
        #expect(error?.code == .httpStatus)
        #expect(server.bodies.count == 1)
    }

    @Test func asksTheSameReportOnce() async throws {
        let directory = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
        defer { try? FileManager.default.removeItem(at: directory) }
        let server = try ChatServer { _, _ in .reply(200, ChatServer.yes) }
        defer { server.close() }
        let first = try await extractor(server) { $0.cache = directory }.findings(in: Self.report)
        let second = try await extractor(server) { $0.cache = directory }.findings(in: Self.report)
        #expect(first == second)
        #expect(server.bodies.count == 1)
        let other = try await extractor(server) {
            $0.cache = directory
            $0.model = "other"
        }.findings(in: Self.report)
        #expect(other == first)
        #expect(server.bodies.count == 2)
        let files = try FileManager.default.contentsOfDirectory(atPath: directory.path).filter { !$0.hasPrefix(".") }
        #expect(files.count == 2 && files.allSatisfy { $0.hasSuffix(".json") })
        // A file that was damaged is asked again, not believed.
        for file in files { try Data("{".utf8).write(to: directory.appendingPathComponent(file)) }
        _ = try await extractor(server) { $0.cache = directory }.findings(in: Self.report)
        #expect(server.bodies.count == 3)
    }

    @Test func theSameReportAskedByManyAtOnceIsAskedOnce() async throws {
        let directory = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
        defer { try? FileManager.default.removeItem(at: directory) }
        let server = try ChatServer { _, _ in
            Thread.sleep(forTimeInterval: 0.2)
            return .reply(200, ChatServer.yes)
        }
        defer { server.close() }
        // Two extractors, as two workers have.
        let extractors = try (0..<2).map { _ in
            var configuration = LanguageModelExtractor.Configuration(endpoint: try Endpoint(server.base, allowed: []), model: "m")
            configuration.cache = directory
            return try LanguageModelExtractor(configuration)
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<8 {
                group.addTask { _ = try await extractors[number % 2].findings(in: Self.report) }
            }
            try await group.waitForAll()
        }
        #expect(server.bodies.count == 1)
    }

    @Test(arguments: [
        ("A polyp of 1.5 cm in the sigmoid", "1.5", 15.0), ("A polyp of 1,5 x 1,2 cm", "1.5", 15), ("直肠息肉2.0厘米", "2", 20),
        ("A 6 mm polyp at 6 cm", "6", 6), ("A polyp, 11.5 cm from the verge", "1.5", 1.5), ("A 15 mm polyp", "15", 15),
    ])
    func centimetresThatWereCopiedAreConverted(_ report: String, _ said: String, _ size: Double) async throws {
        let answer = ChatServer.completion(
            #"{"polyp":"yes","count":1,"sites":[],"max_size_mm":\#(said),"morphology":[],"confidence":0.9,"quote":""}"#)
        let server = try ChatServer { _, _ in .reply(200, answer) }
        defer { server.close() }
        #expect(try await extractor(server).findings(in: report).maxSizeMillimetres == size)
    }

    @Test func aReportLongerThanTheContextIsNotAskedAgain() async throws {
        let server = try ChatServer { _, _ in .reply(400, #"{"error":{"message":"This model's maximum context length is 8192"}}"#) }
        defer { server.close() }
        #expect(await failure(try extractor(server))?.code == .reportTooLarge)
        #expect(server.bodies.count == 1)
    }

    @Test func noMoreThanAllowedAreUnderWay() async throws {
        let server = try ChatServer { _, _ in
            Thread.sleep(forTimeInterval: 0.05)
            return .reply(200, ChatServer.yes)
        }
        defer { server.close() }
        let narrow = try extractor(server) { $0.concurrency = 2 }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<8 {
                group.addTask { _ = try await narrow.findings(in: Self.report + " Case \(number).") }
            }
            try await group.waitForAll()
        }
        #expect(server.bodies.count == 8)
        #expect(server.mostUnderWay <= 2)
    }

    @Test func sendsTheKeyAndNeverShowsIt() async throws {
        let file = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
        defer { try? FileManager.default.removeItem(at: file) }
        try Data("sk-secret-1\n".utf8).write(to: file)
        let key = try ModelKey(file: file)
        let server = try ChatServer { _, _ in .reply(200, ChatServer.yes) }
        defer { server.close() }
        _ = try await extractor(server) { $0.key = key }.findings(in: Self.report)
        #expect(server.headers[0].contains("Bearer sk-secret-1"))
        var configuration = LanguageModelExtractor.Configuration(endpoint: try Endpoint(server.base, allowed: []), model: "m")
        configuration.key = key
        #expect(!"\(configuration)".contains("secret"))
        #expect(!String(reflecting: key).contains("secret"))
        #expect(throws: ReportsError.self) { try ModelKey(file: file.appendingPathExtension("absent")) }
    }
}

@Suite struct EndpointTests {
    @Test(arguments: ["http://127.0.0.1:8080", "http://localhost:8080/v1", "http://[::1]:8080/v1/", "http://127.9.9.9"])
    func loopbackNeedsNoEntry(_ base: String) throws {
        #expect(try Endpoint(base, allowed: []).url.path == "/v1/chat/completions")
    }

    @Test(arguments: [
        "https://api.example.com/v1", "http://10.0.0.5:8080", "http://127.0.0.1.example.com", "http://localhost.example.com",
        "http://128.0.0.1",
    ])
    func othersAreRefusedUnlessListed(_ base: String) {
        #expect { try Endpoint(base, allowed: ["llm.hospital.example:443"]) } throws: {
            ($0 as? ReportsError)?.code == .endpointRefused
        }
    }

    @Test func listedHostsAreAllowedOnTheirPortOnly() throws {
        let allowed = ["llm.hospital.example:443"]
        #expect(try Endpoint("https://LLM.hospital.example/v1", allowed: allowed).authority == "llm.hospital.example:443")
        #expect(throws: ReportsError.self) { try Endpoint("https://llm.hospital.example:8443/v1", allowed: allowed) }
    }

    @Test(arguments: ["ftp://127.0.0.1", "127.0.0.1:8080", "file:///etc/passwd", "http://user:word@127.0.0.1", ""])
    func whatIsNoEndpointIsInvalid(_ base: String) {
        #expect { try Endpoint(base, allowed: []) } throws: { ($0 as? ReportsError)?.code == .endpointInvalid }
    }
}

@Suite struct BackoffTests {
    @Test func doublesWithJitterUpToABound() {
        let backoff = Backoff(first: 1, longest: 10, tries: 9)
        #expect(backoff.delay(after: 1, random: 0) == 0.5)
        #expect(backoff.delay(after: 3, random: 0) == 2)
        #expect(backoff.delay(after: 3, random: 0.5) == 3)
        #expect(backoff.delay(after: 60, random: 0.999) <= 10)
        #expect(backoff.delay(after: 1, random: 0, asked: 4) == 4)
        #expect(backoff.delay(after: 1, random: 0, asked: 400) == 10)
    }
}
