import Foundation
import Stages
import Testing

@Suite struct ForeignErrorTests {
    private static func error(_ body: () throws -> Void) -> String {
        do {
            try body()
            return "nothing went wrong"
        } catch { return ForeignError.words(error) }
    }

    @Test func foundationsErrorsAreTheSystemsWords() {
        let missing = URL(fileURLWithPath: "/no/such/canary")
        #expect(Self.error { _ = try Data(contentsOf: missing) } == "No such file or directory")
        #expect(Self.error { try Data("x".utf8).write(to: missing) } == "No such file or directory")
        #expect(Self.error { _ = try FileManager.default.contentsOfDirectory(atPath: missing.path) } == "No such file or directory")
        #expect(Self.error { try FileManager.default.removeItem(at: missing) } == "No such file or directory")
        #expect(Self.error { _ = try Data(contentsOf: URL(fileURLWithPath: "/tmp")) }.contains("is it a folder?"))
        #expect(
            Self.error { try Data("x".utf8).write(to: URL(fileURLWithPath: "/proc/canary"), options: .atomic) }.contains("canary") == false)
        #expect(ForeignError.words(CocoaError(.fileWriteOutOfSpace)).contains("make room"))
        #expect(ForeignError.words(POSIXError(.EMFILE)).contains("ulimit -n"))
        #expect(ForeignError.words(NSError(domain: "some.domain", code: 7, userInfo: ["canary": "canary"])).contains("canary") == false)
    }

    @Test func decodersSayWhereAndNotWhat() {
        struct Form: Decodable { var name: Int }
        for (json, says) in [("{\"name\": \"canary\"}", "at name"), ("{\"canary\": 1}", "name is missing"), ("canary", "damaged")] {
            let words = Self.error { _ = try JSONDecoder().decode(Form.self, from: Data(json.utf8)) }
            #expect(words.contains(says) && !words.contains("canary"), "\(words)")
        }
        #expect(Self.error { _ = try JSONEncoder().encode([Double.nan]) }.contains("number that is none"))
    }

    @Test func ownErrorsSayWhatTheySay() {
        #expect(ForeignError.words(StageError(.numeric, "the message")) == "the message")
    }
}
