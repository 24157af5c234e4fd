import Digest
import Foundation
import NeuralNetwork
import Testing

@Suite struct ParameterSetTests {
    static let entries = [
        ParameterSet.Entry(name: "fc.weight", shape: [2, 3], values: [1, 2, 3, 4, 5, -6.5]),
        ParameterSet.Entry(name: "conv1.weight", shape: [1, 1, 1, 2], values: [0.25, .leastNonzeroMagnitude]),
        ParameterSet.Entry(name: "scale", shape: [], values: [7]),
        ParameterSet.Entry(name: "empty", shape: [0, 4], values: []),
    ]

    @Test func sortsByNameAndFindsByName() throws {
        let set = try ParameterSet(entries: Self.entries)
        #expect(set.names == ["conv1.weight", "empty", "fc.weight", "scale"])
        #expect(set.totalCount == 9)
        for entry in Self.entries { #expect(set[entry.name] == entry) }
        #expect(set["fc"] == nil)
        #expect(set["zzz"] == nil)
        #expect(set.zeros["fc.weight"]?.values == [0, 0, 0, 0, 0, 0])
    }

    @Test func sameBytesInWhicheverOrder() throws {
        let forward = try ParameterSet(entries: Self.entries)
        let backward = try ParameterSet(entries: Self.entries.reversed())
        #expect(forward.encoded() == backward.encoded())
        #expect(forward.digest == backward.digest)
        #expect(forward.digest == SHA256Digest(hashing: forward.encoded()))
    }

    @Test func digestSeesNameShapeAndValue() throws {
        let base = try ParameterSet(entries: Self.entries)
        var digests: Set = [base.digest]
        for change in 0..<3 {
            var entries = Self.entries
            switch change {
            case 0: entries[0].name = "fc.weighs"
            case 1: entries[0].shape = [3, 2]
            default: entries[0].values[5] = Float(-6.5).nextUp
            }
            digests.insert(try ParameterSet(entries: entries).digest)
        }
        #expect(digests.count == 4)
    }

    @Test func roundTrip() throws {
        let names = ["module.\"quoted\"\\path", "naïve.权重", "tab\there"]
        let set = try ParameterSet(
            entries: Self.entries + names.map { .init(name: $0, shape: [1], values: [3]) })
        let bytes = set.encoded()
        #expect(bytes.count % 4 == 0)
        let length = bytes.withUnsafeBytes { $0.loadUnaligned(as: UInt64.self) }
        #expect(length % 8 == 0)
        let back = try ParameterSet(decoding: bytes)
        #expect(back == set)
        #expect(back.digest == set.digest)
        #expect(try ParameterSet(decoding: ParameterSet().encoded()).entries.isEmpty)
    }

    @Test func changesInPlace() throws {
        var set = try ParameterSet(entries: Self.entries)
        let index = try #require(set.index(of: "scale"))
        set.updateValues(at: index) { $0[0] *= 2 }
        #expect(set["scale"]?.values == [14])
    }

    @Test func refusesDuplicatesAndShapes() {
        #expect { try ParameterSet(entries: Self.entries + [Self.entries[1]]) } throws: {
            ($0 as? ParameterError)?.code == .duplicateName && "\($0)".contains("conv1.weight")
        }
        #expect { try ParameterSet(entries: [.init(name: "a", shape: [2, 2], values: [1])]) } throws: {
            ($0 as? ParameterError)?.code == .shapeMismatch && "\($0)".contains("[2, 2]")
        }
        #expect(throws: ParameterError.self) {
            try ParameterSet(entries: [.init(name: "a", shape: [-1, -1], values: [1])])
        }
        #expect(throws: ParameterError.self) {
            try ParameterSet(entries: [.init(name: "a", shape: [.max, 2], values: [1])])
        }
    }
}
