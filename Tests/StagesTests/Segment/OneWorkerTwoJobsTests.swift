import Digest
import Foundation
import Imaging
import Stages
import Testing

/// What a worker keeps of one job must not teach the next one.
@Suite struct OneWorkerTwoJobsTests {
    /// Trains on `archive` in a process of its own, or in that of `earlier`.
    private func train(
        _ archive: TinyArchive, masks: GivenMasks? = nil, after earlier: LocalRunner? = nil, _ more: String = ""
    ) throws -> (runner: LocalRunner, model: SHA256Digest) {
        let labels: any Stage = LabelsStage { _ in PlainExtractor() }
        let registry = StageRegistry([CatalogueStage(), labels, SegmentTrainStage()] + (masks.map { [$0] } ?? []))
        let text = """
            {seed: 5, stages: [
              {stage: 'catalogue'}, {stage: 'labels'}, \(masks == nil ? "" : "{stage: 'cam'},")
              {stage: 'segment-train', \(more) size: 'b0', imageSize: 64, scales: [1], dropPath: 0, rounds: 1, replicas: 2,
               batch: 4, labels: '\(masks == nil ? "truth" : "cam-mask")'},
            ]}
            """
        let pipeline = try Pipeline(json5: Data(text.utf8), registry: registry)
        let runner = LocalRunner(registry: registry, centres: archive.centres, seed: pipeline.seed, after: earlier)
        try runner.run(pipeline)
        return (runner, try #require(runner.store.model(ofStep: "segment-train", startingRound: nil)))
    }

    @Test func pseudoLabelsOfOneJobAreNotThoseOfTheNext() throws {
        let archive = try TinyArchive(studies: 8)
        let first = try train(archive, masks: try GivenMasks(archive))
        let other = try GivenMasks(archive, inverted: true)
        let second = try train(archive, masks: other, after: first.runner)
        let alone = try train(archive, masks: other)
        #expect(second.model == alone.model)
        #expect(second.model != first.model)
        #expect(try train(archive, masks: try GivenMasks(archive), after: second.runner).model == first.model)
    }

    @Test func aDrawnMaskThatWasReplacedIsReadAnew() throws {
        let archive = try TinyArchive(studies: 8)
        let first = try train(archive)
        try invertPictures(below: "truth", in: archive)
        let second = try train(archive, after: first.runner)
        #expect(second.model == (try train(archive).model))
        #expect(second.model != first.model)
    }

    @Test func anImageThatWasReplacedIsReadAnew() throws {
        let archive = try TinyArchive(studies: 8)
        let first = try train(archive)
        try invertPictures(below: "studies", in: archive)
        let second = try train(archive, after: first.runner)
        #expect(second.model == (try train(archive).model))
        #expect(second.model != first.model)
    }

    /// Images are fetched batch by batch: what the process may keep changes how often they are decoded, and nothing else.
    @Test(arguments: [0, 15_000, 100_000])
    func whatIsKeptDoesNotMatter(bytes: Int) throws {
        let archive = try TinyArchive(studies: 8)
        #expect(try train(archive, "imageCacheBytes: \(bytes), localEpochs: 2,").model == train(archive, "localEpochs: 2,").model)
    }

    private func invertPictures(below folder: String, in archive: TinyArchive) throws {
        for centre in archive.centres.values {
            let root = centre.appendingPathComponent(folder)
            for path in try FileManager.default.subpathsOfDirectory(atPath: root.path) where path.hasSuffix(".png") {
                let file = root.appendingPathComponent(path)
                var picture = try ImageDecoder.decode(contentsOf: file)
                // A mask must not touch all corners.
                let isMask = picture.channels == 1
                picture = isMask ? picture.flippedHorizontally().flippedVertically() : picture
                if !isMask { picture.pixels = picture.pixels.map { 255 - $0 } }
                try ImageEncoder.png(picture).write(to: file)
            }
        }
    }
}
