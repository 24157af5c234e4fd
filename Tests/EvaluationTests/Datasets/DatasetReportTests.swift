import Evaluation
import Testing

@Suite struct DatasetReportTests {
    /// A square of truth, and a prediction that was moved by `shift` columns.
    private static func image(
        _ name: String, set: String = "Kvasir-SEG", part: String? = nil, centre: String? = nil, group: String? = nil, side: Int = 8,
        shift: Int, isCopy: Bool = false
    ) throws -> ScoredImage {
        let (width, height) = (32, 24)
        var levels = [UInt8](repeating: 3, count: width * height)
        var truth = [Bool](repeating: false, count: width * height)
        for y in 6..<6 + side {
            for x in 6..<6 + side {
                truth[y * width + x] = true
                levels[y * width + x + shift] = UInt8(160 + 5 * (x - 6))
            }
        }
        var image = try ScoredImage(
            dataset: set, part: part, centre: centre, group: group, name: name, levels: levels, truth: truth, width: width, height: height)
        image.isCopy = isCopy
        return image
    }

    @Test func wholeEqualsTheSummaryOfTheField() throws {
        let images = try (0..<6).map { try Self.image("\($0)", side: 5 + $0, shift: $0) }
        let row = try #require(DatasetReport(images).rows.first)
        var summary = SegmentationSummary()
        for image in images { summary.add(image.score) }
        for (name, value) in summary.measures {
            #expect(abs((row.measures[name] ?? -1) - value) < 1e-12, "\(name)")
        }
        #expect(Set(row.measures.keys) == Set(DatasetReport.measureNames))
        #expect(row.images == 6 && row.groups == 6 && row.imagesWithHausdorff95 == 6)
        let dice = images.reduce(0) { $0 + $1.binary.dice } / 6
        #expect(abs((row.measures["binary_dice"] ?? 0) - dice) < 1e-12)
        let interval = try #require(row.intervals["dice_mean"])
        #expect(interval.lower <= row.measures["dice_mean"] ?? 0 && row.measures["dice_mean"] ?? 2 <= interval.upper)
        #expect(interval.method == .groupBootstrap)
    }

    @Test func groupsAreDrawnWhole() throws {
        // Twenty images of two sequences are no more certain than two.
        var images: [ScoredImage] = []
        for index in 0..<20 { images.append(try Self.image("\(index)", group: index < 10 ? "a" : "b", shift: index < 10 ? 0 : 7)) }
        let grouped = try #require(DatasetReport(images).rows.first?.intervals["dice_mean"])
        for index in images.indices { images[index].group = nil }
        let single = try #require(DatasetReport(images).rows.first?.intervals["dice_mean"])
        #expect(grouped.upper - grouped.lower > 1.5 * (single.upper - single.lower))
        // The order of images does not matter.
        let turned = try #require(DatasetReport(images.reversed()).rows.first?.intervals["dice_mean"])
        #expect(abs(turned.lower - single.lower) < 1e-12 && abs(turned.upper - single.upper) < 1e-12)
    }

    @Test func subsetsAreToldApart() throws {
        let images = [
            try Self.image("a", set: "PolypGen", part: "frames", centre: "C1", side: 2, shift: 0),
            try Self.image("b", set: "PolypGen", part: "frames", centre: "C2", side: 8, shift: 1),
            try Self.image("c", set: "PolypGen", part: "sequences", group: "seq1", side: 12, shift: 1, isCopy: true),
            try Self.image("d", set: "PolypGen", part: "sequences", group: "seq1", side: 12, shift: 2),
        ]
        let rows = DatasetReport(images, copiesWereLookedFor: true).rows
        func count(_ subset: DatasetReport.Subset, _ name: String = "") -> Int? {
            rows.first { $0.subset == subset && $0.name == name }?.images
        }
        #expect(count(.all) == 4)
        #expect(count(.withoutCopies) == 3)
        #expect(count(.withoutCutGroups) == 2)
        #expect(count(.part, "frames") == 2 && count(.part, "sequences") == 2)
        #expect(count(.centre, "C1") == 1)
        #expect(count(.size, "small") == 1 && count(.size, "medium") == 1 && count(.size, "large") == 2)
    }

    @Test func publishedStandsBesideOursAndIsMarked() throws {
        let report = DatasetReport([try Self.image("a", shift: 0), try Self.image("b", set: "my frames", shift: 0)])
        let text = try #require(report.besidePublished(counts: ["Kvasir-SEG": 100]))
        #expect(text.contains("published: Polyp-PVT"))
        #expect(text.contains("0.917"))
        #expect(text.contains("ours are 1 images, the published 100"))
        #expect(!text.contains("my frames"))
        #expect(DatasetReport([try Self.image("b", set: "my frames", shift: 0)]).besidePublished(counts: [:]) == nil)
        #expect(report.table.contains("my frames"))
    }

    @Test func emptyTruthHasItsOwnSize() {
        #expect(PolypSize(share: 0) == .none)
        #expect(PolypSize(share: 0.049) == .small)
        #expect(PolypSize(share: 0.15) == .medium)
        #expect(PolypSize(share: 0.16) == .large)
    }
}
