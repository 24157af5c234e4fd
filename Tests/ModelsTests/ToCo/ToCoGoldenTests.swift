import Models
import NeuralNetwork
import TestSupport
import Testing

/// ToCo with ViT-B/16 against the reference. The file's other size is compared by `endoked selftest`.
@Suite struct ToCoGoldenTests {
    private func reference(where isWanted: (String) -> Bool) throws -> [String: GoldenCheck.Reference] {
        let entries = try GoldenFile.read("toco").entries.filter { isWanted($0.name) }
        return Dictionary(
            uniqueKeysWithValues: entries.map { ($0.name, GoldenCheck.Reference(shape: $0.shape, values: $0.values)) })
    }

    @Test(.enabled(if: SharedFolder.isPresent, Comment(rawValue: SharedFolder.whySkipped)))
    func agreesWithTheReference() throws {
        let wanted = try reference { !$0.hasPrefix("448.") }
        let lines = try GoldenCheck().compare("toco", with: wanted)
        #expect(lines.count == 13)
        for line in lines {
            #expect(line.passed, "\(line.tensor): relative error \(line.relativeError) above \(line.tolerance)")
        }
    }

    @Test(
        .enabled(if: SharedFolder.isPresent, Comment(rawValue: SharedFolder.whySkipped)),
        .enabled(if: EngineSetup.hasBFloat16, "the processor has no bf16"))
    func agreesInBFloat16() throws {
        let wanted = try reference { $0.hasPrefix("224.") && !$0.contains("multiscale") }
        let lines = try GoldenCheck(.bfloat16).compare("toco", with: wanted)
        #expect(lines.count == 6)
        for line in lines {
            #expect(line.passed, "bf16 \(line.tensor): relative error \(line.relativeError) above \(line.tolerance)")
        }
    }

    @Test(.enabled(if: SharedFolder.isPresent, Comment(rawValue: SharedFolder.whySkipped)))
    func disagreesOnOtherInputs() throws {
        let wanted = try reference { !$0.hasPrefix("448.") && !$0.contains("multiscale") }
        let lines = try GoldenCheck(inputSuffix: ".other").compare("toco", with: wanted)
        #expect(lines.allSatisfy { !$0.passed }, "\(lines.filter(\.passed).map(\.tensor))")
    }
}
