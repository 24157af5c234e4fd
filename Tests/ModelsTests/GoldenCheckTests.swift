import Models
import NeuralNetwork
import TestSupport
import Testing

@Suite struct GoldenCheckTests {
    @Test func formulaMakesThePublishedNumbers() {
        // golden/check.json.
        #expect(
            GoldenFormula.uniform("input.mil", count: 3) == [
                0.14400839805603027, 0.03352618217468262, -0.5863511562347412,
            ])
        let convolution = GoldenFormula.weight("conv1.weight", shape: [64, 3, 7, 7])
        #expect(Array(convolution.prefix(3)) == [0.012878553941845894, 0.07004620134830475, -0.13630808889865875])
        #expect(GoldenFormula.weight("bn1.num_batches_tracked", shape: [1]) == [0])
        #expect(GoldenFormula.weight("bn1.running_var", shape: [64]).allSatisfy { $0 >= 1 && $0 <= 1.5 })
        #expect(GoldenFormula.weight("bn1.weight", shape: [64]).allSatisfy { $0 >= 0.9 && $0 <= 1.1 })
    }

    @Test(
        .enabled(if: SharedFolder.isPresent, Comment(rawValue: SharedFolder.whySkipped)),
        arguments: ["resnet18", "mil_heads", "polyp_pvt", "unet", "mobile_sam", "sam_vit_b"])
    func agreesWithTheReference(network: String) throws {
        let lines = try GoldenCheck().compare(network, with: GoldenFile.read(network))
        #expect(lines.count >= 13)
        for line in lines {
            #expect(line.passed, "\(line.tensor): relative error \(line.relativeError) above \(line.tolerance)")
        }
        guard EngineSetup.hasBFloat16 else { try Test.cancel("the processor does not multiply bf16: only fp32 was checked") }
        let half = try GoldenCheck(.bfloat16).compare(network, with: GoldenFile.read(network))
        #expect(half.count >= 7)
        for line in half {
            #expect(line.passed, "bf16 \(line.tensor): relative error \(line.relativeError) above \(line.tolerance)")
        }
        let halfWorst = half.max { $0.relativeError < $1.relativeError }
        print("golden bf16 \(network): worst \(halfWorst?.tensor ?? "") \(halfWorst?.relativeError ?? 0)")
        let worst = lines.max { $0.relativeError / $0.tolerance < $1.relativeError / $1.tolerance }
        print("golden \(network): worst \(worst?.tensor ?? "") \(worst?.relativeError ?? 0)")
    }

    @Test(
        .enabled(if: SharedFolder.isPresent, Comment(rawValue: SharedFolder.whySkipped)),
        arguments: ["mil_heads", "mobile_sam"])
    func disagreesOnOtherInputs(network: String) throws {
        let lines = try GoldenCheck(inputSuffix: ".other").compare(network, with: GoldenFile.read(network))
        #expect(lines.filter { !$0.passed }.count > lines.count / 2)
    }

    @Test func refusesWhatItCannotCompare() {
        #expect(throws: EngineError.self) { try GoldenCheck().compare("unknown", with: [:]) }
        let odd = ["attention.eval.bag": GoldenCheck.Reference(shape: [3], values: [1, 2, 3])]
        #expect(throws: EngineError.self) { try GoldenCheck().compare("mil_heads", with: odd) }
    }
}
