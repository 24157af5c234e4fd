import NeuralNetwork
import Testing

@Suite struct ModuleTests {
    private final class Pair: Module {
        let convolution: Conv2d
        let norm: BatchNorm

        init() throws {
            convolution = try Conv2d(2, 3, kernel: 3, geometry: ConvolutionGeometry(padding: 1), hasBias: true)
            norm = try BatchNorm(3)
        }

        func forEachParameter(_ prefix: String, _ body: (String, Parameter) throws -> Void) rethrows {
            try convolution.forEachParameter(joinedName(prefix, "conv"), body)
            try norm.forEachParameter(joinedName(prefix, "bn"), body)
        }
    }

    @Test func namesAndShapesAreTheReferences() throws {
        let set = try Pair().parameters()
        #expect(set.names == ["bn.bias", "bn.running_mean", "bn.running_var", "bn.weight", "conv.bias", "conv.weight"])
        #expect(set["conv.weight"]?.shape == [3, 2, 3, 3])
        #expect(set["bn.running_var"]?.values == [1, 1, 1])
        #expect(try Pair().learnt.count == 4)
    }

    @Test func parametersComeBackAsTheyWere() throws {
        let (first, second) = (try Pair(), try Pair())
        Initialisation.normal(first.convolution.weight, deviation: 1, seed: 1, name: "conv.weight")
        var entries = try first.parameters().entries
        entries.append(ParameterSet.Entry(name: "bn.num_batches_tracked", shape: [], values: [7]))
        try second.load(ParameterSet(entries: entries))
        #expect(try second.parameters() == first.parameters())
    }

    @Test func everyFaultIsListedAndNothingChanges() throws {
        let pair = try Pair()
        let before = try pair.parameters()
        var entries = before.entries.filter { $0.name != "bn.weight" }
        entries[0].values = [5, 5, 5]
        entries = entries.filter { $0.name != "conv.bias" }
        entries.append(ParameterSet.Entry(name: "conv.bias", shape: [2], values: [1, 2]))
        entries.append(ParameterSet.Entry(name: "fc.bias", shape: [1], values: [0]))
        let error = #expect(throws: ParameterError.self) { try pair.load(ParameterSet(entries: entries)) }
        #expect(error?.code == .missingTensors)
        for name in ["bn.weight", "conv.bias", "fc.bias"] { #expect(error?.message.contains(name) == true) }
        #expect(try pair.parameters() == before)
    }

    @Test func initialisationDependsOnNameAndSeedAlone() throws {
        func values(_ seed: UInt64, _ name: String) throws -> [Float] {
            let parameter = try Parameter(shape: [64, 16, 3, 3])
            Initialisation.kaimingFanOut(parameter, seed: seed, name: name)
            return parameter.values
        }
        let first = try values(1, "a")
        #expect(try values(1, "a") == first)
        #expect(try values(1, "b") != first)
        #expect(try values(2, "a") != first)
        let variance = first.reduce(0) { $0 + Double($1 * $1) } / Double(first.count)
        #expect(abs(variance - 2 / (64 * 9)) < 2e-4)
    }
}
