import Foundation
import Testing

import Archives

@Suite struct CSVTableTests {
    private func table(_ text: String) throws -> CSVTable { try CSVTable(Data(text.utf8), file: "t.csv") }

    @Test func quotesCommasBreaksAndByteOrderMark() throws {
        let read = try table("\u{FEFF}study,text\r\nA,\"one, \"\"two\"\"\r\nthree\"\r\nB,plain\r\n")
        #expect(read.columns == ["study", "text"])
        #expect(read.rows.map { $0.fields["text"] } == ["one, \"two\"\r\nthree", "plain"])
        #expect(read.rows.map(\.line) == [2, 4])
        #expect(read.problems.isEmpty)
    }

    @Test func lastLineWithoutBreakAndEmptyFields() throws {
        let read = try table("a,b,c\n1,,\n\n,,3")
        #expect(read.rows.count == 2)
        #expect(read.rows[0]["b"] == nil)
        #expect(read.rows[1]["c"] == "3")
        #expect(try table("a,b\n1,\"2\"").rows[0]["b"] == "2")
    }

    @Test func brokenQuoteNamesItsRowAndSparesTheOthers() throws {
        let read = try table("a,b\n1,ok\n2,\"never closed\n3,ok\n4,\"closed\" badly\n5,in\"side\n6,ok\n")
        #expect(read.rows.compactMap { $0["a"] } == ["1", "3", "6"])
        #expect(read.problems.map(\.line) == [3, 5, 6])
        #expect(Set(read.problems.map(\.code)) == ["broken-quote"])
        #expect(!read.problems[0].message.contains("never closed"))
    }

    @Test func wrongFieldCountAndEncodingAreProblemsOfOneRow() throws {
        let read = try CSVTable(Data("a,b\n1\n2,".utf8) + [0xC4, 0xFA, 0xBA, 0xC3] + Data("\n3,good\n".utf8), file: "t.csv")
        #expect(read.problems.map(\.code) == ["wrong-field-count", "bad-encoding"])
        #expect(read.problems.map(\.line) == [2, 3])
        #expect(read.rows.map(\.line) == [4])
    }

    @Test func headerProblemsAreErrors() throws {
        #expect(throws: ArchiveError.self) { try table("") }
        #expect(throws: ArchiveError.self) { try table("a,a\n1,2\n") }
        #expect(throws: ArchiveError.self) { try CSVTable(Data([0xFF, 0xFE, 0x61, 0x00]), file: "t.csv") }
        let error = #expect(throws: ArchiveError.self) { try table("a,b\n").require(["a", "z"], file: "t.csv") }
        #expect(error?.message.contains("column z") == true)
    }
}
