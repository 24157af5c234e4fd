import Models
import NeuralNetwork
import TestSupport
import Testing

@Suite struct PolypPVTTests {
    @Test(.enabled(if: SharedFolder.isPresent, Comment(rawValue: SharedFolder.whySkipped)))
    func namesAreTheOfficialOnes() throws {
        var learnt: Set<String> = []
        try PolypPVT(.b2, seed: nil).forEachParameter("") { name, parameter in
            if !parameter.isBuffer { learnt.insert(name) }
        }
        let marker = "train.grad_norm."
        let golden = try GoldenFile.read("polyp_pvt").names.filter { $0.hasPrefix(marker) }
        #expect(learnt == Set(golden.map { String($0.dropFirst(marker.count)) }))
    }

    @Test func disagreesOnOtherInputs() throws {
        guard SharedFolder.isPresent else { return }
        let file = try GoldenFile.read("polyp_pvt")
        let small = try ParameterSet(entries: file.entries.filter { $0.name.hasPrefix("224.") })
        let lines = try GoldenCheck(inputSuffix: ".x").compare("polyp_pvt", with: small)
        #expect(lines.count == 6)
        #expect(lines.allSatisfy { !$0.passed })
    }

    @Test(arguments: [(PVTSize.b0, 32), (.b1, 64)])
    func stagesHaveTheirSizes(size: PVTSize, first: Int) throws {
        let network = try PolypPVT(size, seed: 3)
        let images = try GoldenFormula.images("any", count: 2, height: 64, width: 96)
        let outputs = try network(images, ForwardPass(.evaluation))
        #expect(outputs.stages.map(\.shape) == size.widths.enumerated().map { [2, 16 >> $0, 24 >> $0, $1] })
        #expect(size.widths[0] == first)
        #expect(outputs.first.shape == [2, 64, 96, 1])
        #expect(outputs.second.shape == [2, 64, 96, 1])
        #expect(outputs.first.isFinite && outputs.second.isFinite)
        #expect(throws: EngineError.self) {
            try network(GoldenFormula.images("any", count: 1, height: 48, width: 64), ForwardPass(.evaluation))
        }
    }

    /// Millions of learnt numbers without the classifier, as published.
    @Test(arguments: [(PVTSize.b0, 3.4), (.b2, 24.8)])
    func countsOfParameters(size: PVTSize, millions: Double) throws {
        let count = try PVT(size, seed: nil).learnt.reduce(0) { $0 + $1.count }
        #expect(abs(Double(count) / 1e6 - millions) < 0.05)
    }

    @Test func startsFromASeed() throws {
        let first = try PolypPVT(.b0, seed: 5).parameters()
        #expect(try PolypPVT(.b0, seed: 5).parameters() == first)
        #expect(try PolypPVT(.b0, seed: 6).parameters() != first)
        func deviation(_ name: String) throws -> Double {
            let values = try #require(first[name]).values
            return (values.reduce(0.0) { $0 + Double($1) * Double($1) } / Double(values.count)).squareRoot()
        }
        #expect(abs(try deviation("backbone.block4.0.mlp.fc1.weight") - 0.02) < 1e-3)
        #expect(abs(try deviation("backbone.block4.0.mlp.dwconv.dwconv.weight") - (2.0 / 9).squareRoot()) < 2e-2)
        #expect(abs(try deviation("backbone.patch_embed4.proj.weight") - (2.0 / (9 * 256)).squareRoot()) < 1e-3)
        #expect(throws: EngineError.self) { try PolypPVT(.b0, dropPath: 1, seed: 1) }
    }

    /// A training file of several GPUs: prefixed names, counters of batches.
    @Test func loadsWhatDataParallelWrote() throws {
        let network = try PolypPVT(.b0, seed: 5)
        let official = try PolypPVT(.b0, seed: 6).parameters()
        var entries = official.entries.map { ParameterSet.Entry(name: "module." + $0.name, shape: $0.shape, values: $0.values) }
        entries.append(.init(name: "module.CFM.conv4.bn.num_batches_tracked", shape: [], values: [7]))
        let file = try Checkpoint.decode(ParameterSet(entries: entries).encoded())
        try network.load(file.tensors)
        #expect(try network.parameters() == official)
        let partial = try ParameterSet(entries: official.entries.filter { !$0.name.hasPrefix("SAM.gcn") })
        #expect(throws: ParameterError.self) { try network.load(partial) }
    }

    @Test func pretrainedBackboneLosesItsClassifier() throws {
        let network = try PolypPVT(.b0, seed: 5)
        var entries = try PVT(.b0, seed: 8).parameters().entries
        entries.append(.init(name: "head.bias", shape: [2], values: [0, 0]))
        try network.backbone.loadPretrained(ParameterSet(entries: entries))
        #expect(try network.backbone.parameters() == PVT(.b0, seed: 8).parameters())
        entries.append(.init(name: "odd.bias", shape: [2], values: [0, 0]))
        #expect(throws: ParameterError.self) {
            try network.backbone.loadPretrained(ParameterSet(entries: entries))
        }
    }
}
