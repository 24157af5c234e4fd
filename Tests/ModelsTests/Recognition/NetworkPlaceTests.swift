import Foundation
import Models
import NeuralNetwork
import Testing

/// Networks as training scripts wrap them.
@Suite struct NetworkPlaceTests {
    private static func named(_ set: ParameterSet, _ prefix: String, shift: Float = 0) -> [ParameterSet.Entry] {
        set.entries.map { entry in
            .init(name: prefix + entry.name, shape: entry.shape, values: shift == 0 ? entry.values : entry.values.map { $0 + shift })
        }
    }

    /// Made once: what is looked at is names.
    private static let made = Result { try PVT(.b0, seed: 1).parameters() }

    private static let stray = ParameterSet.Entry(name: "criterion.weight", shape: [2], values: [1, 2])

    private static func load(_ entries: [ParameterSet.Entry], checked: Bool = true) throws
        -> (network: KnownNetwork?, checkpoint: LoadedCheckpoint)
    {
        let url = FileManager.default.temporaryDirectory.appendingPathComponent("endoked-\(UUID().uuidString).safetensors")
        defer { try? FileManager.default.removeItem(at: url) }
        try ParameterSet(entries: entries).encoded().write(to: url)
        return try NetworkFile.load(url, checked: checked)
    }

    @Test(arguments: [
        "", "module.", "_orig_mod.", "model.", "backbone.", "model._orig_mod.module.", "ema_model.module.", "model_ema.", "ema_",
        "net.", "module.backbone.0.body.",
    ])
    func whateverWrapsANetworkIsTakenOff(prefix: String) throws {
        let set = try Self.made.get()
        let (found, loaded) = try Self.load(Self.named(set, prefix))
        #expect(found == .pvt(.b0) && loaded.tensors == set)
    }

    @Test func everyNetworkIsFoundInItsWrapping() throws {
        for (network, set) in try KnownNetworkTests.sets() {
            let (found, loaded) = try Self.load(Self.named(set, "model._orig_mod.") + [Self.stray])
            #expect(found == network && loaded.tensors == set, "\(network)")
        }
    }

    @Test func whatLiesBesideIsLeftOut() throws {
        let set = try Self.made.get()
        for prefix in ["model.", "backbone."] {
            let (found, loaded) = try Self.load(Self.named(set, prefix) + [Self.stray])
            #expect(found == .pvt(.b0) && loaded.tensors == set)
            #expect(loaded.leftOut.contains { $0.contains("1 tensors beside the network") })
            #expect(loaded.notes.contains { $0.contains("begin with \(prefix)") })
        }
    }

    @Test func aMovingAverageGivesWayToTheWeights() throws {
        let set = try Self.made.get()
        for (plain, average) in [("model.", "ema_model."), ("model.", "model_ema.module."), ("", "ema."), ("net.", "ema_")] {
            let (found, loaded) = try Self.load(Self.named(set, plain) + Self.named(set, average, shift: 1))
            #expect(found == .pvt(.b0) && loaded.tensors == set, "\(plain) \(average)")
            #expect(
                loaded.notes.contains { $0.contains("\(average.prefix { $0 != "." })") && $0.contains("was not taken") }, "\(loaded.notes)")
        }
        let (_, alone) = try Self.load(Self.named(set, "ema_model."))
        #expect(alone.notes.contains { $0.contains("moving average") })
    }

    @Test func twoOfAKindAreNotChosenBetween() throws {
        let set = try Self.made.get()
        let error = #expect(throws: ParameterError.self) {
            try Self.load(Self.named(set, "student.backbone.") + Self.named(set, "teacher.backbone.", shift: 1))
        }
        #expect(error?.code == .ambiguous && error?.message.contains("student.backbone, teacher.backbone;") == true)
        let url = FileManager.default.temporaryDirectory.appendingPathComponent("endoked-\(UUID().uuidString).safetensors")
        defer { try? FileManager.default.removeItem(at: url) }
        try ParameterSet(entries: Self.named(set, "student.backbone.") + Self.named(set, "teacher.backbone.", shift: 1)).encoded()
            .write(to: url)
        let chosen = try NetworkFile.load(url, options: .init(root: "student.backbone"))
        #expect(chosen.network == .pvt(.b0) && chosen.checkpoint.tensors == set)
    }

    @Test func numbersThatAreNoneAreRefusedByTheirTensor() throws {
        for (network, set) in try KnownNetworkTests.sets() {
            var entries = Self.named(set, "model.")
            let place = entries.count / 2
            entries[place].values[0] = .infinity
            let name = set.entries[place].name
            let error = #expect(throws: ParameterError.self, "\(network)") { try Self.load(entries) }
            #expect(error?.code == .notFinite && error?.message.contains("\(name) (1 of ") == true, "\(error?.message ?? "")")
            #expect(try Self.load(entries, checked: false).checkpoint.faults.map(\.name) == [name])
        }
        // A copy that is not taken may be what it likes.
        let set = try Self.made.get()
        #expect(try Self.load(Self.named(set, "model.") + Self.named(set, "model_ema.", shift: .nan)).checkpoint.tensors == set)
    }
}
