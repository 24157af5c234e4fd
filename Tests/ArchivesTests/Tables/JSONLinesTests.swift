import Foundation
import Testing

import Archives

@Suite struct JSONLinesTests {
    private struct Line: Decodable {
        var study: String
        var count: Int?
    }

    @Test func badLinesAreNamedAndSpareTheOthers() throws {
        let data =
            Data("{\"study\":\"a\"}\n\n{\"study\": \"secret text\n{\"count\":1}\n{\"study\":\"b\",\"count\":\"x\"}\r\n".utf8)
            + Data("{\"study\":\"".utf8) + [0xC4, 0xFA] + Data("\"}\n{\"study\":\"c\"}".utf8)
        let lines = try JSONLines<Line>(data, file: "l")
        #expect(lines.records.map(\.record.study) == ["a", "c"])
        #expect(lines.records.map(\.line) == [1, 7])
        #expect(lines.problems.map(\.line) == [3, 4, 5, 6])
        #expect(lines.problems.map(\.code) == ["bad-json", "bad-json", "bad-json", "bad-encoding"])
        #expect(lines.problems[1].message.contains("`study` is missing"))
        #expect(lines.problems.allSatisfy { !$0.message.contains("secret") })
    }

    @Test func longLinesAreNotDecoded() throws {
        let lines = try JSONLines<Line>(Data("{\"study\":\"abcdefgh\"}\n".utf8), file: "l", maximumLineBytes: 10)
        #expect(lines.problems.map(\.code) == ["too-long"])
    }

    @Test func carriageReturnsEndLinesToo() throws {
        let lines = try JSONLines<Line>(Data("{\"study\":\"a\"}\r{\"study\":\"b\"}\r".utf8), file: "l")
        #expect(lines.records.map(\.record.study) == ["a", "b"] && lines.problems.isEmpty)
    }

    @Test func notANumberIsNamed() throws {
        let lines = try JSONLines<Line>(Data("{\"study\":\"a\",\"count\":NaN}\n{\"study\":\"b\"}\n".utf8), file: "l")
        #expect(lines.records.map(\.record.study) == ["b"])
        #expect(lines.problems.map(\.line) == [1] && lines.problems[0].message.contains("NaN"))
    }
}
