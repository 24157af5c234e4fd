import Archives
import Evaluation
import Foundation
import Imaging
import NeuralNetwork

/// Measures predictions on a data set as the field does: at the size of each mask, in 256 levels.
public struct DatasetScoring: Sendable {
    /// Where predictions come from.
    public enum Source: Sendable {
        case network(DatasetNetwork)
        /// Pictures that another program wrote.
        case pictures(PredictionFolder)
    }

    /// What came of it.
    public struct Outcome: Sendable {
        /// In the data set's order.
        public var images: [ScoredImage] = []
        /// Images without a score, and why; the text names image or file.
        public var problems: [String] = []
    }

    private let source: Source
    private let maps: URL?

    /// - Parameter maps: where predictions of a network are written as PNGs, under the images' names.
    public init(_ source: Source, maps: URL? = nil) {
        self.source = source
        self.maps = maps
    }

    /// All images of a set, on `threads` threads.
    /// - Parameter progress: is told how many are done; it may be called from any thread.
    public func run(
        _ set: DatasetFolder, threads: Int, progress: @escaping @Sendable (_ done: Int, _ all: Int) -> Void = { _, _ in }
    ) -> Outcome {
        let results = ParallelWork.map(count: set.images.count, threads: threads) { place in
            ComputeThreads.set(1)
            let image = set.images[place]
            let result = Result { try score(image, of: set.dataset) }.mapError { DatasetProblem(image, $0) }
            progress(place + 1, set.images.count)
            return result
        }
        var outcome = Outcome()
        for result in results {
            switch result {
            case .success(let image): outcome.images.append(image)
            case .failure(let problem): outcome.problems.append(problem.text)
            }
        }
        return outcome
    }

    private func score(_ image: DatasetImage, of dataset: PolypDataset) throws -> ScoredImage {
        let mask = try DatasetMask.read(image.mask, of: dataset)
        let (levels, map) = try prediction(of: image, width: mask.width, height: mask.height)
        return try ScoredImage(
            dataset: dataset.name, part: image.part, centre: image.centre, group: image.group, name: image.name, map: map,
            levels: levels, truth: mask.bits, width: mask.width, height: mask.height)
    }

    private func prediction(of image: DatasetImage, width: Int, height: Int) throws -> (levels: [UInt8], map: [Float]?) {
        switch source {
        case .network(let network):
            let map = try network.map(of: try DatasetPicture.read(image.image), width: width, height: height)
            let levels = try map.levels()
            if let maps {
                let file = maps.appendingPathComponent(image.name).deletingPathExtension().appendingPathExtension("png")
                try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
                try ImageEncoder.writePNG(levels, to: file)
            }
            return (levels.pixels, map.values)
        case .pictures(let folder):
            guard let file = folder.place(of: image) else {
                throw StageError(.missingInput, "there is no prediction of its name in \(folder.folder.path)")
            }
            let picture = try DatasetPicture.read(file).grey()
            guard picture.width != width || picture.height != height else { return (picture.pixels, nil) }
            return (try picture.resized(width: width, height: height, openCV: .linear).pixels, nil)
        }
    }
}

/// Why an image has no score.
private struct DatasetProblem: Error {
    let text: String

    init(_ image: DatasetImage, _ error: any Error) {
        let message =
            switch error {
            case let error as ImagingError: error.description
            case let error as ArchiveError: error.message
            case let error as EvaluationError: error.message
            case let error as StageError: error.message
            default: ForeignError.words(error)
            }
        text = "\(image.name): \(message)"
    }
}
