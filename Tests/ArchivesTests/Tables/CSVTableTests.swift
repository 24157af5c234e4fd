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

    /// A header that is none may be a patient: nothing of it is quoted.
    @Test func aTableWithoutHeaderIsRefusedByItsShape() throws {
        for text in ["4711,Canary Max,\"Polyp, 5 mm\"\n4712,Eva,none\n", "4711;Canary Max;Polyp\r4712;Eva;none\r", "Canary,Canary\n"] {
            let error = #expect(throws: ArchiveError.self) { try table(text).require(["study", "patient", "text"], file: "t.csv") }
            let message = error?.message ?? ""
            #expect(message.contains("line 1") && message.contains("column"), "\(message)")
            #expect(!["Canary", "4711", "Polyp", "Eva"].contains { message.contains($0) }, "\(message)")
        }
    }

    @Test(arguments: [
        ("study;patient;text\nA;p;a, b\n", CSVTable.Separator.semicolon), ("study\tpatient\ttext\nA\tp\t\"a, b\"\n", .tab),
        ("study|patient|text\nA|p|a, b\n", .bar), ("sep=;\r\nstudy;patient;text\r\nA;p;a, b\r\n", .semicolon),
        ("\u{FEFF}SEP=,\nStudy, PATIENT ,Text\nA,p,\"a, b\"\n", .comma), ("\"sep=,\"\nstudy,patient,text\nA,p,\"a, b\"\n", .comma),
        ("study,patient,text\rA,p,\"a, b\"\r", .comma), ("study,patient,text,,\nA,p,\"a, b\",,\n,,,,\n", .comma),
        ("study,,patient,text\nA,x,p,\"a, b\"\n\n,,,\n", .comma),
    ])
    func separatorsLineEndsAndWhatSpreadsheetsAdd(text: String, separator: CSVTable.Separator) throws {
        let read = try table(text)
        #expect(read.problems.isEmpty && read.separator == separator)
        try read.require(["study", "patient", "text"], file: "t.csv")
        #expect(read.rows.map { [$0["study"], $0["patient"], $0["text"]] } == [["A", "p", "a, b"]])
    }

    /// Old spreadsheets end rows with carriage returns and lines of a cell with line feeds.
    @Test func lineFeedsWithinCellsOfCarriageReturnTables() throws {
        let read = try table("a,b\r1,\"x\ny\"\r2,z\r")
        #expect(read.rows.map { $0["b"] } == ["x\ny", "z"])
        #expect(read.rows.map(\.line) == [2, 4])
    }

    @Test func otherEncodingsAndFormatsAreNamed() throws {
        let text = "study,patient,text\nA,p,息肉\n"
        let forms: [(Data, String)] = [
            (text.data(using: .utf16LittleEndian) ?? Data(), "UTF-16 without a byte-order mark"),
            (text.data(using: .utf16BigEndian) ?? Data(), "UTF-16 without a byte-order mark"),
            (Data([0xFF, 0xFE]) + (text.data(using: .utf16LittleEndian) ?? Data()), "UTF-16"),
            (Data("PK\u{3}\u{4}rest".utf8), "workbook"),
        ]
        for (data, says) in forms {
            for read in [{ _ = try CSVTable(data, file: "t") }, { _ = try JSONLines<[String: String]>(data, file: "t") }] {
                let error = #expect(throws: ArchiveError.self) { try read() }
                #expect(error?.code == .badEncoding && error?.message.contains(says) == true, "\(error?.message ?? "")")
            }
        }
    }

    /// The apostrophe that results put before what would be a formula.
    @Test func formulasOfResultsAreReadBack() throws {
        let read = try table("study,n\n'=1+1,'@x\n'quoted',-1\n")
        #expect(read.rows.map { [$0["study"], $0["n"]] } == [["=1+1", "@x"], ["'quoted'", "-1"]])
    }

    @Test func columnsOfOneNameAreRefusedByTheirPlaces() throws {
        let error = #expect(throws: ArchiveError.self) { try table("a,Canary,b,canary\n1,2,3,4\n") }
        #expect(error?.message.contains("columns 2 and 4") == true && error?.message.lowercased().contains("canary") == false)
    }
}
