import Models
import NeuralNetwork
import Testing

/// What must hold for every network in the list.
@Suite struct SegmentationFamiliesTests {
    @Test func namesAreTheirOwn() {
        let names = SegmentationFamilies.all.map(\.name)
        #expect(Set(names).count == names.count && names.first == "polyp-pvt" && names.contains("unet"))
        for family in SegmentationFamilies.all {
            #expect(family.name.allSatisfy { $0.isLowercase || $0.isNumber || $0 == "-" })
            #expect(Set(family.sizes).count == family.sizes.count)
            #expect(SegmentationName(rawValue: family.name)?.family.title == family.title)
            #expect((32...2048).contains(family.recipe.imageSize) && family.recipe.imageSize % family.sideMultiple == 0)
            if let file = family.goldenFile { #expect(GoldenCheck.networks.contains(file)) }
        }
    }

    /// The smallest of each family.
    @Test func eachIsToldByItsTensors() throws {
        for kind in [
            SegmentationKind(PolypPVTFamily(), .b0), SegmentationKind(UNetFamily(), .w16),
            SegmentationKind(EfficientUNetFamily(), .efficientNetLite0),
        ] {
            let network = try kind.network(seed: 1)
            #expect(SegmentationKind(of: try network.parameters().shapes) == kind)
            #expect(network.family.name == kind.family.name)
            let images = try GoldenFormula.images("any", count: 2, height: 32, width: 64)
            let pass = ForwardPass(.evaluation)
            let maps = try network.maps(images, pass)
            #expect(maps.allSatisfy { $0.shape == [2, 32, 64, 1] })
            #expect(try network.prediction(of: maps, pass).shape == [2, 32, 64, 1])
        }
        #expect(throws: EngineError.self) { try SegmentationKind(UNetFamily(), size: "b2") }
        #expect(throws: ParameterError.self) {
            try SegmentationKind(UNetFamily(), .w16).network(seed: nil).loadEncoder(PVT(.b0, seed: 1).parameters())
        }
    }

    @Test(arguments: [
        ("polyppvt", "polyp-pvt"), ("Polyp-PVT", "polyp-pvt"), ("polyp_pvt", "polyp-pvt"), ("u-net", "unet"), ("unet2", "unet"),
        ("yolo-v8", nil), ("", nil),
    ])
    func slipsAreToldTheNearestName(unknown: String, near: String?) {
        #expect(SegmentationName.hint(for: unknown) == near.map { "did you mean \"\($0)\"?" })
    }
}
