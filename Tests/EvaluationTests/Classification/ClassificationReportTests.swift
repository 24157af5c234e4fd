import Evaluation
import Foundation
import Testing

@Suite struct ClassificationReportTests {
    /// `studies` of two centres, with `images` samples each that share their study's luck.
    static func samples(studies: Int, images: Int, seed: UInt64 = 3) -> [ClassificationSample] {
        let (scores, labels) = ROCCurveTests.sample(studies * images, seed: seed)
        return (0..<studies * images).map { index in
            let study = index / images
            return .init(
                centre: study % 3 == 0 ? "north" : "south", study: "s\(study)",
                score: scores[study * images], isPositive: labels[study * images + (images > 1 ? 1 : 0)])
        }
    }

    @Test func rowsPerCentreAndPooled() throws {
        let samples = Self.samples(studies: 90, images: 1)
        let report = try ClassificationReport(title: "bag", samples: samples)
        #expect(report.rows.map(\.centre) == ["north", "south", "pooled"])
        #expect(report.rows.map(\.samples) == [30, 60, 90])
        #expect(
            report.pooled?.area
                == (try ROCCurve.area(
                    scores: samples.map(\.score), isPositive: samples.map(\.isPositive))))
        #expect(report.pooled?.areaInterval?.method == .deLong)
        #expect(report.pooled?.averagePrecisionInterval?.method == .studyBootstrap)
        for row in report.rows {
            let (area, interval) = (try #require(row.area), try #require(row.areaInterval))
            #expect(interval.lower < area && area < interval.upper)
            let precision = try #require(row.averagePrecision)
            #expect(try #require(row.averagePrecisionInterval).lower < precision)
        }
        let positives = samples.filter(\.isPositive)
        let hits = positives.count { $0.score >= 0.5 }
        #expect(report.pooled?.sensitivity == Double(hits) / Double(positives.count))
        #expect(report.table.contains("pooled") && report.table.contains("95 %"))
        let coded = try JSONDecoder().decode(ClassificationReport.self, from: try JSONEncoder().encode(report))
        #expect(coded == report)
    }

    @Test func imagesOfOneStudyAreResampledTogether() throws {
        let single = try ClassificationReport(title: "image", samples: Self.samples(studies: 60, images: 1))
        // The same studies, each image eight times: no more is known, so the interval must not shrink.
        let repeated = Self.samples(studies: 60, images: 1).flatMap { Array(repeating: $0, count: 8) }
        let report = try ClassificationReport(title: "image", samples: repeated)
        let (one, eight) = (try #require(single.pooled?.areaInterval), try #require(report.pooled?.areaInterval))
        #expect(eight.method == .studyBootstrap)
        #expect(report.pooled?.area == single.pooled?.area)
        #expect((eight.upper - eight.lower) / (one.upper - one.lower) > 0.8)
        #expect((eight.upper - eight.lower) / (one.upper - one.lower) < 1.25)
    }

    @Test func thePooledRowAloneIsThatOfTheReport() throws {
        let samples = Self.samples(studies: 30, images: 3)
        let bootstrap = StudyBootstrap(resamples: 200)
        let report = try ClassificationReport(title: "image", samples: samples, bootstrap: bootstrap)
        #expect(try ClassificationReport.pooledRow(of: samples, bootstrap: bootstrap) == report.pooled)
        #expect(try ClassificationReport.pooledRow(of: [], bootstrap: bootstrap) == nil)
    }

    /// The intervals of a resampling that is written out: each study's samples as often as it was drawn.
    @Test func aResampleCountsEachSampleAsOftenAsItsStudyWasDrawn() throws {
        let samples = Self.samples(studies: 12, images: 2)
        let found = try StudyBootstrap(resamples: 100, seed: 4).intervals(of: samples)
        var state: UInt64 = 4
        func next(below bound: Int) -> Int {
            state &+= 0x9E37_79B9_7F4A_7C15
            var z = state
            z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
            z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
            return Int((z ^ (z >> 31)).multipliedFullWidth(by: UInt64(bound)).high)
        }
        let studies = Dictionary(grouping: samples) { $0.centre + "\u{0}" + $0.study }.sorted { $0.key < $1.key }.map(\.value)
        let areas = try (0..<100).compactMap { _ -> Double? in
            let drawn = (0..<studies.count).map { _ in next(below: studies.count) }.flatMap { studies[$0] }
            return try ROCCurve.area(scores: drawn.map(\.score), isPositive: drawn.map(\.isPositive))
        }.sorted()
        func quantile(_ share: Double) -> Double {
            let place = share * Double(areas.count - 1)
            let low = Int(place)
            return areas[low] + (areas[min(low + 1, areas.count - 1)] - areas[low]) * (place - Double(low))
        }
        #expect(found.area?.lower == quantile((1 - 0.95) / 2) && found.area?.upper == quantile((1 + 0.95) / 2))
    }

    @Test func sameSeedSameInterval() throws {
        let samples = Self.samples(studies: 40, images: 3)
        let bootstrap = StudyBootstrap(resamples: 300, seed: 9)
        let first = try bootstrap.intervals(of: samples)
        #expect(try bootstrap.intervals(of: samples.reversed()) == first)
        #expect(try StudyBootstrap(resamples: 300, seed: 10).intervals(of: samples) != first)
        #expect(throws: EvaluationError.self) { try StudyBootstrap(resamples: 10).intervals(of: samples) }
    }

    @Test func oneClassAndNoSample() throws {
        let negatives = (0..<5).map {
            ClassificationSample(centre: "c", study: "\($0)", score: Double($0), isPositive: false)
        }
        let report = try ClassificationReport(title: "bag", samples: negatives)
        #expect(report.pooled?.area == nil && report.pooled?.areaInterval == nil)
        #expect(report.pooled?.sensitivity == nil && report.pooled?.sensitivityInterval == nil)
        #expect(report.pooled?.specificity == 0.2)
        #expect(report.table.contains("–"))
        #expect(try ClassificationReport(title: "bag", samples: []).rows.isEmpty)
    }

    @Test func wilson() throws {
        // Newcombe 1998: 81 of 263, 95 %: 0.2553 to 0.3662.
        let interval = try #require(ConfidenceInterval.wilson(81, of: 263))
        #expect(abs(interval.lower - 0.2553) < 5e-5)
        #expect(abs(interval.upper - 0.3662) < 5e-5)
        #expect(ConfidenceInterval.wilson(0, of: 0) == nil)
        #expect(ConfidenceInterval.wilson(5, of: 5)?.upper == 1)
    }
}
