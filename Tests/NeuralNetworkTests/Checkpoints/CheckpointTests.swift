import Foundation
import NeuralNetwork
import Testing

/// Files written by the real torch and safetensors; see Fixtures/make.py.
enum Fixtures {
    static func url(_ name: String) -> URL {
        URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("Fixtures/" + name)
    }

    static func data(_ name: String) throws -> Data { try Data(contentsOf: url(name)) }
}

@Suite struct CheckpointTests {
    @Test(arguments: [
        ("plain", LoadedCheckpoint.Format.torchArchive), ("stream", .torchStream), ("views", .torchArchive),
        ("views-stream", .torchStream), ("types", .torchArchive), ("half", .torchArchive), ("training", .torchArchive),
    ])
    func readsWhatTorchWrote(name: String, format: LoadedCheckpoint.Format) throws {
        let loaded = try Checkpoint.load(Fixtures.url(name + ".pth"))
        let expected = try Checkpoint.load(Fixtures.url(name + ".safetensors"))
        #expect(loaded.format == format)
        #expect(expected.format == .safetensors)
        #expect(loaded.tensors.names == expected.tensors.names)
        for entry in expected.tensors.entries { #expect(loaded.tensors[entry.name] == entry) }
    }

    @Test func theNumbersAreThoseOfTheFormula() throws {
        let tensors = try Checkpoint.load(Fixtures.url("stream.pth")).tensors
        #expect(tensors["conv.weight"]?.shape == [3, 2, 2, 2])
        #expect(tensors["conv.weight"]?.values == (0..<24).map { Float($0) * 0.25 - 3 })
        let views = try Checkpoint.load(Fixtures.url("views.pth")).tensors
        #expect(views["transposed"]?.values.prefix(4) == [0, 1.5, 3, 4.5])
        #expect(views["sliced"]?.values == [1.5, 2, 2.5, 3, 3.5, 4])
        #expect(views["expanded"]?.values.prefix(5) == [0, 0, 0, 0, 0.25])
        #expect(views["scalar"] == .init(name: "scalar", shape: [], values: [1.5]))
        #expect(views["empty"] == .init(name: "empty", shape: [0, 3], values: []))
        #expect(views["parameter"]?.values == [0.25, 1.75, 3.25, 4.75])
        let half = try Checkpoint.load(Fixtures.url("half.pth"))
        #expect(half.tensors["half"]?.values == (0..<7).map { -Float($0) * 0.25 })
        #expect(half.tensors["bfloat"]?.values == half.tensors["half"]?.values)
        #expect(half.notes.contains { $0.contains("BF16") && $0.contains("widened") })
    }

    @Test func saysWhatItLeftOut() throws {
        let loaded = try Checkpoint.load(Fixtures.url("training.pth"))
        let text = loaded.leftOut.joined(separator: "\n")
        #expect(text.contains("epoch: 12"))
        #expect(text.contains("best: 0.5"))
        #expect(text.contains("optimizer: a dict of 2 with 15 tensors"))
        #expect(text.contains("1 × num_batches_tracked"))
        #expect(loaded.notes.contains { $0.contains("module.") })
        #expect(loaded.tensors["fc.bias"] != nil)

        let kept = try Checkpoint.load(Fixtures.url("training.pth"), options: .init(strippedPrefix: nil))
        #expect(kept.tensors["module.fc.bias"] != nil)
        let chosen = try Checkpoint.load(Fixtures.url("training.pth"), options: .init(root: "optimizer.state.0"))
        #expect(chosen.tensors.names == ["exp_avg", "exp_avg_sq", "step"])
        #expect {
            try Checkpoint.load(Fixtures.url("training.pth"), options: .init(root: "state_dict.nothing"))
        } throws: { "\($0)".contains("module.conv.weight") }
    }

    @Test func codeIsRefusedByNameAndNotRun() throws {
        let trace = "/tmp/endoked-was-here"
        try? FileManager.default.removeItem(atPath: trace)
        for name in ["evil.pkl", "evil.pth"] {
            #expect {
                try Checkpoint.load(Fixtures.url(name))
            } throws: { error in
                (error as? ParameterError)?.code == .refusedCode
                    && "\(error)".contains("posix.system") && "\(error)".contains(name)
            }
        }
        #expect(!FileManager.default.fileExists(atPath: trace))
        // The same in protocol 0, and through Python's own loaders.
        for (text, name) in [
            ("cos\nsystem\n(S'id'\ntR.", "os.system"), ("cbuiltins\neval\n(S'1'\ntR.", "builtins.eval"),
            ("(ios\nsystem\n.", "os.system"), ("ctorch.storage\n_load_from_bytes\n.", "torch.storage._load_from_bytes"),
            ("ccollections\nOrderedDict.popitem\n.", "collections.OrderedDict.popitem"),
        ] {
            #expect {
                try Checkpoint.decode(Data(text.utf8))
            } throws: { ($0 as? ParameterError)?.code == .refusedCode && "\($0)".contains(name) }
        }
    }

    @Test(arguments: ["plain.pth", "stream.pth", "views-stream.pth", "training.pth", "plain.safetensors"])
    func everyTruncationIsAnError(name: String) throws {
        let whole = try Fixtures.data(name)
        for length in stride(from: 0, to: whole.count, by: name == "training.pth" ? 7 : 1) {
            do {
                _ = try Checkpoint.decode(whole.prefix(length))
                Issue.record("\(name) cut to \(length) of \(whole.count) bytes was accepted")
            } catch is ParameterError {} catch { Issue.record("\(error) is no ParameterError") }
        }
    }

    @Test(arguments: [
        "plain.pth", "stream.pth", "views.pth", "types.pth", "half.pth", "training.pth", "all-types.safetensors",
    ])
    func theOutlineIsWhatIsLoadedLessItsNumbers(name: String) throws {
        let (outline, loaded) = (try Checkpoint.outline(of: Fixtures.url(name)), try Checkpoint.load(Fixtures.url(name)))
        #expect(outline.tensors == loaded.tensors.shapes && outline.metadata == loaded.metadata)
        #expect(outline.tensors.names.count == loaded.tensors.entries.count)
        // Nor does it take a file that was cut short.
        let whole = try Fixtures.data(name)
        let cut = FileManager.default.temporaryDirectory.appendingPathComponent("endoked-cut-\(UUID().uuidString)-\(name)")
        defer { try? FileManager.default.removeItem(at: cut) }
        for length in stride(from: whole.count - 1, to: 0, by: -max(1, whole.count / 23)) {
            try whole.prefix(length).write(to: cut)
            #expect(throws: ParameterError.self, "\(length) of \(whole.count) bytes") { try Checkpoint.outline(of: cut) }
        }
    }

    /// Whatever a flipped bit makes of a file, reading it ends, in a result or a `ParameterError`.
    @Test(arguments: ["plain.pth", "stream.pth", "views.pth", "types.pth", "all-types.safetensors"])
    func flippedBitsNeverCrash(name: String) throws {
        let whole = try Fixtures.data(name)
        let options = Checkpoint.Options(verifiesChecksums: false)
        for position in 0..<whole.count {
            var data = whole
            data[position] ^= 1 << UInt8(position % 8)
            do { _ = try Checkpoint.decode(data, options: options) } catch is ParameterError {} catch {
                Issue.record("byte \(position): \(error) is no ParameterError")
            }
        }
    }

    @Test func damagedArchivesAreFoundByTheirChecksum() throws {
        var data = try Fixtures.data("plain.pth")
        let number = withUnsafeBytes(of: Float(-2.75)) { Data($0) }
        let place = try #require(data.range(of: number))
        data[place.lowerBound + 2] ^= 1
        #expect { try Checkpoint.decode(data) } throws: { "\($0)".contains("CRC-32") }
        #expect(try Checkpoint.decode(data, options: .init(verifiesChecksums: false)).tensors.entries.count == 7)
    }

    @Test func refusesOtherFiles() throws {
        #expect { try Checkpoint.load(Fixtures.url("deflated.pth")) } throws: { error in
            (error as? ParameterError)?.code == .unsupportedElement && "\(error)".contains("compress")
        }
        #expect { try Checkpoint.load(Fixtures.url("absent.pth")) } throws: {
            ($0 as? ParameterError)?.code == .unreadableFile && "\($0)".contains("absent.pth")
        }
        #expect { try Checkpoint.load(Fixtures.url("make.py")) } throws: {
            ($0 as? ParameterError)?.code == .malformedFile
        }
        #expect { try Checkpoint.load(Fixtures.url("")) } throws: { $0 is ParameterError }
    }

    @Test func hostileNestingEnds() throws {
        // A million tuples in one another; a list that holds itself; both are torn down without recursion.
        var deep = Data([0x80, 2, UInt8(ascii: ")")])
        deep.append(Data(repeating: 0x85, count: 1_000_000))
        deep.append(UInt8(ascii: "."))
        #expect(throws: ParameterError.self) { try Checkpoint.decode(deep) }
        let magic = try Fixtures.data("stream.pth").prefix { $0 != UInt8(ascii: ".") } + Data(".".utf8)
        let head = magic + Data([0x80, 2, UInt8(ascii: "M"), 0xE9, 3, UInt8(ascii: "."), UInt8(ascii: "}"), UInt8(ascii: ".")])
        let itself = head + Data("}q\u{0}U\u{1}ah\u{0}s.].".utf8)
        #expect { try Checkpoint.decode(itself) } throws: { "\($0)".contains("64 deep") }
    }

    @Test func writesWhatItReads() throws {
        let file = FileManager.default.temporaryDirectory.appendingPathComponent("\(UUID().uuidString).safetensors")
        defer { try? FileManager.default.removeItem(at: file) }
        let tensors = try Checkpoint.load(Fixtures.url("plain.pth")).tensors
        try Checkpoint.write(tensors, to: file)
        #expect(try Data(contentsOf: file) == tensors.encoded())
        #expect(try Checkpoint.load(file).tensors == tensors)
        try Checkpoint.write(tensors, to: file, metadata: ["format": "pt"])
        #expect(try Checkpoint.load(file).tensors.digest == tensors.digest)
        #expect {
            try Checkpoint.write(tensors, to: URL(fileURLWithPath: "/nowhere/at/all.safetensors"))
        } throws: { ($0 as? ParameterError)?.code == .unwritableFile }
    }

    @Test func doublesAreNotRounded() throws {
        let tensors = try Checkpoint.loadDoubles(Fixtures.url("all-types.safetensors"))
        #expect(tensors["float64"]?.values == [0.5, 0.25, 0, 0.25, 0.5])
        #expect(tensors["int64"]?.values == [4, 2, 0, 2, 4])
        var file = SafetensorsHeaderTests.file("{" + SafetensorsHeaderTests.tensor("x", 0, 8, type: "F64") + "}", data: 0)
        withUnsafeBytes(of: 28.548919123456789) { file.append(contentsOf: $0) }
        let url = FileManager.default.temporaryDirectory.appendingPathComponent("\(UUID().uuidString).safetensors")
        defer { try? FileManager.default.removeItem(at: url) }
        try file.write(to: url)
        #expect(try Checkpoint.loadDoubles(url)["x"]?.values == [28.548919123456789])
    }
}
