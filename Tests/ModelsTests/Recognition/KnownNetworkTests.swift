import Foundation
import Models
import NeuralNetwork
import Testing

@Suite struct KnownNetworkTests {
    static func sets() throws -> [(network: KnownNetwork, set: ParameterSet)] {
        let mil = MILConfiguration(teacherHidden: 64, studentHidden: 96)
        let toCo = ToCoConfiguration(encoder: .tiny16, decoder: .aspp, hasProjections: false)
        return [
            (.encoder(.resNet50), try ResNet(.resNet50, seed: 1).parameters()),
            (.mil(.resNet18), try MILNetwork(mil, seed: 1).parameters()),
            (.biopsy(.resNet18), try BiopsyNetwork(.resNet18, seed: 1).parameters()),
            (.visionTransformer(width: 192), try VisionTransformer(.tiny16, seed: 1).parameters()),
            (.toCo(.aspp, width: 192), try ToCoNetwork(toCo, seed: 1).parameters()),
            (.toCo(.largeFOV, width: 96), try ToCoNetwork(.small, seed: 1).parameters()),
            (.pvt(.b1), try PVT(.b1, seed: 1).parameters()),
            (.segmentation(SegmentationKind(PolypPVTFamily(), .b0)), try PolypPVT(.b0, seed: 1).parameters()),
            (.segmentation(SegmentationKind(UNetFamily(), .w16)), try UNet(width: 16, seed: 1).parameters()),
            (.segmentAnything(.mobile), try SegmentAnythingNetwork(.mobile).parameters()),
        ]
    }

    @Test func eachIsToldByItsTensorsAndLoads() throws {
        for (network, set) in try Self.sets() {
            #expect(KnownNetwork(of: set.shapes) == network)
            try network.load(set)
        }
    }

    @Test func whatIsMissingTooMuchOrMisshapenIsNamed() throws {
        for (network, set) in try Self.sets() {
            var entries = set.entries
            let gone = entries.removeLast().name
            let changed = entries[entries.count / 2].name
            entries[entries.count / 2] = ParameterSet.Entry(name: changed, shape: [1], values: [0])
            entries.append(ParameterSet.Entry(name: "stray.weight", shape: [1], values: [0]))
            let spoilt = try ParameterSet(entries: entries)
            let found = try #require(KnownNetwork(of: spoilt.shapes), "\(network)")
            let error = try #require(throws: ParameterError.self) { try found.load(spoilt) }
            for name in [gone, changed, "stray.weight"] { #expect(error.message.contains(name), "\(network): \(error.message)") }
        }
    }

    @Test func othersAreNotTakenForOne() throws {
        let set = try ParameterSet(entries: [
            .init(name: "image_encoder.patch_embed.proj.weight", shape: [7], values: .init(repeating: 0, count: 7)),
            .init(name: "blocks.0.attn.qkv.weight", shape: [1], values: [0]),
        ])
        #expect(KnownNetwork(of: set.shapes) == nil)
    }
}
