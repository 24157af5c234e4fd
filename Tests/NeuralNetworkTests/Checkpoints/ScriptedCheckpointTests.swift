import Foundation
import NeuralNetwork
import Testing

/// Files as training scripts leave them; see Fixtures/make-scripts.py.
@Suite struct ScriptedCheckpointTests {
    private static func check(_ tensors: ParameterSet, start: Float = 0) {
        #expect(tensors.names == ["fc.bias", "fc.weight"])
        #expect(tensors["fc.weight"]?.values == (0..<6).map { Float($0) * 0.25 + start })
        #expect(tensors["fc.bias"]?.values == [1 + start, 1.25 + start])
    }

    @Test(arguments: ["objects-2", "objects-4", "objects-stream"])
    func objectsBesideTheTensorsAreReadOverByName(name: String) throws {
        let loaded = try Checkpoint.load(Fixtures.url(name + ".pth"))
        Self.check(loaded.tensors)
        let text = loaded.leftOut.joined(separator: "\n")
        for says in [
            "best: an object of numpy.generic", "args: an object of argparse.Namespace", "path: an object of pathlib.PurePosixPath",
            "when: an object of datetime.datetime", "colour: an object of __main__.Colour", "history: a dict of 1",
            "config: an object of omegaconf.dictconfig.DictConfig", "schedule: an object of torch.optim.lr_scheduler.StepLR",
            "curve: an object of numpy.ndarray", "meter: an object of __main__.Meter", "epoch: an object of numpy.generic",
        ] { #expect(text.contains(says), "\(says) in \(text)") }
    }

    @Test func dictsOfOtherClassesAreDicts() throws {
        Self.check(try Checkpoint.load(Fixtures.url("attributes.pth")).tensors)
        Self.check(try Checkpoint.load(Fixtures.url("defaultdict.pth")).tensors)
    }

    @Test func ofAMovingAverageAndTheWeightsTheWeightsAreTaken() throws {
        let both = try Checkpoint.load(Fixtures.url("average.pth"))
        Self.check(both.tensors)
        #expect(both.notes.contains { $0.contains("under model were taken") && $0.contains("under model_ema") })
        Self.check(try Checkpoint.load(Fixtures.url("average.pth"), options: .init(root: "model_ema")).tensors, start: 1)
        let alone = try Checkpoint.load(Fixtures.url("only-average.pth"))
        Self.check(alone.tensors, start: 1)
        #expect(alone.notes.contains { $0.contains("moving average under ema was taken") })
    }

    @Test func twoSetsOfWeightsAreNotChosenBetween() throws {
        let error = #expect(throws: ParameterError.self) { try Checkpoint.load(Fixtures.url("twins.pth")) }
        #expect(error?.code == .ambiguous)
        #expect(error?.message.contains("model, best_model") == true && error?.message.contains("--root") == true)
        Self.check(try Checkpoint.load(Fixtures.url("twins.pth"), options: .init(root: "best_model")).tensors, start: 1)
    }

    @Test func aWholeModelIsRefusedWithWhatToDo() {
        let error = #expect(throws: ParameterError.self) { try Checkpoint.load(Fixtures.url("whole.pth")) }
        #expect(error?.message.contains("torch.nn.modules.linear.Linear") == true)
        #expect(error?.message.contains("torch.save(model.state_dict(), path)") == true)
    }

    /// What could do harm in Python is refused by name, wherever it is called or made; the classes of others are not.
    @Test func harmIsRefusedWhateverItLooksLike() throws {
        for (text, name) in [
            ("cposix\nsystem\n.", "posix.system"), ("csubprocess\nPopen\n)\u{81}.", "subprocess.Popen"),
            ("c__builtin__\nexec\n.", "__builtin__.exec"), ("cnt\nsystem\n.", "nt.system"),
            ("cwebbrowser\nopen\n.", "webbrowser.open"), ("cnumpy.testing._private.utils\nrunstring\n.", "runstring"),
            ("csomething\nrun\n(S'x'\ntR.", "something.run"), ("cpip\nmain\n(tR.", "pip.main"),
            ("ctorch.hub\nload\n.", "torch.hub.load"), ("c_io\nopen\n.", "_io.open"), ("cimportlib\nimport_module\n.", "importlib"),
            ("c__builtin__\ngetattr\n(cos\nsystem\ntR.", "os.system"), ("ccopy_reg\n_reconstructor\n(S'x'\ntR.", "_reconstructor"),
            ("cmodels\nNet\n(tR(tR.", "what models.Net made"),
        ] {
            let bytes = Data(text.unicodeScalars.map { UInt8($0.value) })
            #expect { try Checkpoint.decode(bytes) } throws: {
                ($0 as? ParameterError)?.code == .refusedCode && "\($0)".contains(name)
            }
        }
    }

    /// Whatever a flipped bit makes of a file, reading it ends, in a result or a `ParameterError`.
    @Test func flippedBitsNeverCrash() throws {
        let whole = try Fixtures.data("objects-4.pth")
        for position in stride(from: 0, to: whole.count, by: 101) {
            var data = whole
            data[position] ^= 1 << UInt8(position % 8)
            do { _ = try Checkpoint.decode(data, options: .init(verifiesChecksums: false)) } catch is ParameterError {} catch {
                Issue.record("byte \(position): \(error) is no ParameterError")
            }
        }
    }

    @Test func namesThatCompilersPutInAreRead() throws {
        let set = try ParameterSet(entries: [
            .init(name: "encoder._orig_mod.conv1.weight", shape: [1], values: [1]), .init(name: "head.weight", shape: [1], values: [.nan]),
        ])
        let loaded = try Checkpoint.decode(set.encoded())
        #expect(loaded.tensors.names == ["encoder.conv1.weight", "head.weight"])
        #expect(loaded.faults.map(\.name) == ["head.weight"])
    }
}

@Suite struct NumberFaultTests {
    @Test(arguments: [Float.nan, .infinity, -.infinity])
    func numbersThatAreNoneAreFound(value: Float) throws {
        for place in [0, 31, 32, 99] {
            var values = [Float](repeating: 1e15, count: 100)
            #expect(NumberFault(of: values, called: "a") == nil)
            values[place] = value
            let fault = try #require(NumberFault(of: values, called: "a"))
            #expect(fault.count == 1 && fault.total == 100)
        }
    }

    @Test func aFlippedBitOfAnExponentIsAFault() {
        let flipped = Float(bitPattern: Float(0.01).bitPattern ^ 1 << 30)
        #expect(flipped.isFinite && NumberFault(of: [0.01, flipped], called: "a")?.count == 1)
    }

    @Test func aVarianceBelowZeroIsAFault() {
        #expect(NumberFault(of: [1, -1], called: "bn.running_var")?.count == 1)
        #expect(NumberFault(of: [1, -1], called: "bn.running_mean") == nil && NumberFault(of: [0], called: "bn.running_var") == nil)
    }

    @Test func theFirstFiveAreNamedAndTheOthersCounted() throws {
        let set = try ParameterSet(entries: (0..<7).map { .init(name: "t\($0)", shape: [2], values: [0, $0 == 3 ? 1 : .nan]) })
        let error = #expect(throws: ParameterError.self) { _ = try set.sound() }
        #expect(error?.code == .notFinite)
        #expect(error?.message.contains("t0 (1 of 2 numbers are NaN or infinite)") == true)
        #expect(
            error?.message.contains("t5") == true && error?.message.contains("t6") == false
                && error?.message.contains("and 1 more tensor:") == true)
    }

    /// Also of half precision, of bfloat16, and of double precision that is too large for single.
    @Test func everyTypeOfElementIsLookedAt() throws {
        for (type, bytes) in [
            ("F32", [0, 0, 0xC0, 0x7F]), ("F16", [0, 0x7C]), ("BF16", [0x80, 0xFF]), ("F64", [0, 0, 0, 0, 0, 0, 0xF0, 0x7E]),
        ] as [(String, [UInt8])] {
            let header = "{\"x\":{\"dtype\":\"\(type)\",\"shape\":[1],\"data_offsets\":[0,\(bytes.count)]}}"
            var file = withUnsafeBytes(of: UInt64(header.utf8.count).littleEndian) { Data($0) }
            file += Data(header.utf8) + Data(bytes)
            #expect(try Checkpoint.decode(file).faults.map(\.name) == ["x"], "\(type)")
            let url = FileManager.default.temporaryDirectory.appendingPathComponent("\(UUID().uuidString).safetensors")
            defer { try? FileManager.default.removeItem(at: url) }
            try file.write(to: url)
            #expect(try Checkpoint.outline(of: url, looksAtNumbers: true).faults.map(\.name) == ["x"])
            #expect(try Checkpoint.outline(of: url).faults.isEmpty)
        }
    }
}
