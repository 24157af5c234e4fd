import Foundation
import NeuralNetwork
import Testing

@Suite struct SafetensorsHeaderTests {
    static func file(_ json: String, data: Int, padding: String = "") -> Data {
        var file = Data()
        withUnsafeBytes(of: UInt64(json.utf8.count + padding.utf8.count).littleEndian) { file.append(contentsOf: $0) }
        return file + Data(json.utf8) + Data(padding.utf8) + Data(repeating: 0, count: data)
    }

    static func tensor(_ name: String, _ start: Int, _ end: Int, shape: String = "[1]", type: String = "F32") -> String {
        "\"\(name)\":{\"dtype\":\"\(type)\",\"shape\":\(shape),\"data_offsets\":[\(start),\(end)]}"
    }

    @Test func readsEveryType() throws {
        let loaded = try Checkpoint.load(Fixtures.url("all-types.safetensors"))
        let expected = try Checkpoint.load(Fixtures.url("types.safetensors"))
        #expect(loaded.tensors == expected.tensors)
        #expect(loaded.tensors.entries.count == 13)
        let header = try Fixtures.data("all-types.safetensors").withUnsafeBytes { try SafetensorsHeader(parsing: $0) }
        #expect(header.metadata == ["format": "pt", "note": "a \"quote\""])
    }

    @Test func whiteSpaceOrderAndEscapesDoNotMatter() throws {
        let json =
            "{ \"b\\u00e9\\n\\ud83d\\ude00\" : {\"data_offsets\" : [ 4 , 8 ],\n\"shape\":[], \"dtype\":\"F32\"} ,"
            + Self.tensor("a", 0, 4) + "}"
        let set = try ParameterSet(decoding: Self.file(json, data: 8, padding: "   "))
        #expect(set.names == ["a", "bé\n😀"])
        #expect(set.entries[1].shape == [])
    }

    @Test(arguments: [
        ("{" + tensor("a", 0, 4) + "," + tensor("a", 4, 8) + "}", 8, "twice"),
        ("{" + tensor("a", 0, 4) + "," + tensor("b", 8, 12) + "}", 12, "hole of 4"),
        ("{" + tensor("a", 0, 8, shape: "[2]") + "," + tensor("b", 4, 8) + "}", 8, "overlaps"),
        ("{" + tensor("a", 4, 8) + "}", 8, "hole of 4"),
        ("{" + tensor("a", 0, 4) + "}", 12, "belong to no tensor"),
        ("{" + tensor("a", 0, 4) + "}", 3, "should end at byte 4"),
        ("{" + tensor("a", 0, 4, shape: "[2]") + "}", 4, "does not fill"),
        ("{" + tensor("a", 0, 4, shape: "[4611686018427387904,4]") + "}", 4, "does not fill"),
        ("{" + tensor("a", 0, 4, shape: "[99999999999999999999]") + "}", 4, "does not fit"),
        ("{" + tensor("a", 0, 4, shape: "[-1]") + "}", 4, "whole number"),
        ("{" + tensor("a", 4, 0) + "}", 4, "before it starts"),
        ("{\"a\":{\"dtype\":\"F32\",\"shape\":[1]}}", 4, "needs dtype"),
        ("{\"a\":{\"dtype\":\"F32\",\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}", 4, "twice"),
        ("{\"a\":1}", 0, "no '{'"),
        ("[]", 0, "start with '{'"),
        ("{" + tensor("a", 0, 4), 4, "not closed"),
        ("{" + tensor("a", 0, 4) + "}x", 4, "only spaces"),
        ("{" + tensor("a", 0, 4) + "}\u{0}", 4, "only spaces"),
        ("{" + tensor("a\u{1}", 0, 4) + "}", 4, "control character"),
        ("{" + tensor("\\ud800\\u0041", 0, 4) + "}", 4, "surrogate"),
    ])
    func refuses(json: String, data: Int, reason: String) {
        #expect { try ParameterSet(decoding: Self.file(json, data: data)) } throws: { error in
            error is ParameterError && "\(error)".contains(reason)
        }
    }

    @Test func refusesAHeaderOverTheLimit() {
        var file = Self.file("{}", data: 0)
        file.replaceSubrange(0..<8, with: withUnsafeBytes(of: UInt64(100_000_001).littleEndian) { Data($0) })
        #expect { try ParameterSet(decoding: file) } throws: { "\($0)".contains("limit") }
    }

    @Test func otherTypesAreLeftOutOrRefused() throws {
        let json = "{" + Self.tensor("a", 0, 4) + "," + Self.tensor("b", 4, 8, type: "F8_E4M3") + "}"
        let loaded = try Checkpoint.decode(Self.file(json, data: 8))
        #expect(loaded.tensors.names == ["a"])
        #expect(loaded.leftOut.contains { $0.contains("b (F8_E4M3)") })
        let half = Self.file("{" + Self.tensor("h", 0, 2, type: "F16") + "}", data: 2)
        #expect { try ParameterSet(decoding: half) } throws: { "\($0)".contains("h is F16") }
    }
}
