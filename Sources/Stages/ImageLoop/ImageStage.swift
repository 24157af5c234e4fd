import Archives
import Digest
import Foundation
import Imaging
import NeuralNetwork

/// A stage that looks at one image after another: class maps, masks, predictions.
///
/// It says which images, with which network, and what to do with one. Cutting into shards, the network's calibration, images
/// that cannot be read, counting, pictures, and that all shards run the same parameters are written here, once.
package protocol ImageStage: Stage {
    associatedtype Settings: ImageStageSettings
    /// An image as its shard's input names it.
    associatedtype Item: ImageItem & Codable
    /// An image as it is looked at; where it needs nothing else, the item itself.
    associatedtype Prompt: ImageItem = Item
    /// What the network is made of, on its way to the workers.
    associatedtype Model: ImageStageModel
    associatedtype Network

    /// - Throws: `StageError.invalidSettings`, which names the field.
    func bind(_ settings: StageSettings) throws -> Settings

    func model(_ settings: Settings, view: any PlanningView) throws -> Model

    /// Centres sorted, each with its images in a fixed order.
    func items(_ settings: Settings, view: any PlanningView) throws -> [(centre: String, items: [Item])]

    /// By which name a calibration says that it is of this network; nil where there is none.
    var calibratedNetwork: String? { get }

    /// The same for a model, where a stage runs several networks.
    func calibratedNetwork(of model: Model) -> String?

    /// The network ready to run, made once a process (`MapContext.shared`).
    func network(_ work: ImageWork<Model, Settings>, context: any MapContext) throws -> Network

    /// What a shard looks at. An item that cannot be leaves a row in `sheet`.
    func prompts(_ items: [Item], _ work: ImageWork<Model, Settings>, context: any MapContext, sheet: inout ImageSheet) throws
        -> [Prompt]

    /// - Parameter image: three channels, as it is stored.
    /// - Throws: `ImagingError` or `ArchiveError` where this image cannot be used; `EngineError` ends the shard.
    func look(
        at item: Prompt, _ image: Image8, with network: Network, _ work: ImageWork<Model, Settings>, sheet: inout ImageSheet
    ) throws

    /// The round's numbers.
    func metrics(_ tally: ImageTally, _ settings: Settings) throws -> [String: Double]

    /// What besides them compares the step's rows with those of earlier steps.
    func comparison(_ tally: ImageTally, _ settings: Settings, view: any PlanningView) throws -> [String: Double]
}

/// Settings that all such stages have.
package protocol ImageStageSettings: Codable, Sendable {
    var splits: [String] { get }
    var imagesPerShard: Int { get }
    /// A calibration file on the coordinator's host, for 8 bits.
    var calibration: String? { get }
    /// Whether overlays to look at are made, and where they go.
    var overlays: Bool { get }
    var pictures: FramePicture.Place { get }
}

/// What names an image of a shard's centre.
package protocol ImageItem: Sendable {
    var study: String { get }
    var image: String { get }
}

package protocol ImageStageModel: Codable, Sendable {
    /// Nil where the stage runs no network.
    var parametersOrNone: SHA256Digest? { get }
}

/// Of stages that look at images without a network.
package struct NoNetwork: ImageStageModel {
    package var parametersOrNone: SHA256Digest? { nil }
}

/// What all shards of a round share: content of its own, so that none of them repeats it.
package struct ImageWork<Model: ImageStageModel, Settings: ImageStageSettings>: Codable, Sendable {
    var model: Model
    var calibration: SHA256Digest?
    var settings: Settings
}

/// A shard's input.
struct ImageShard<Item: ImageItem & Codable>: Codable {
    var centre: String
    var items: [Item]
    /// An `ImageWork`.
    var work: SHA256Digest
}

/// A shard's record, and the sum of them.
package struct ImageTally: Codable, Sendable {
    var images = 0
    var failedImages = 0
    /// Sums by name, as the stage counts them.
    var sums: [String: Double] = [:]
    var parameters: SHA256Digest?

    /// A sum over images; 0 where nothing was added.
    subscript(name: String) -> Double { sums[name] ?? 0 }

    /// A sum's mean over all images that were looked at.
    func mean(_ name: String) -> Double { images == 0 ? 0 : self[name] / Double(images) }

    mutating func add(_ other: ImageTally) {
        images += other.images
        failedImages += other.failedImages
        sums.merge(other.sums) { $0 + $1 }
    }
}

extension ImageStage where Prompt == Item {
    package func prompts(
        _ items: [Item], _ work: ImageWork<Model, Settings>, context: any MapContext, sheet: inout ImageSheet
    ) throws -> [Item] { items }
}

extension ImageStage {
    package func calibratedNetwork(of model: Model) -> String? { calibratedNetwork }

    package func comparison(_ tally: ImageTally, _ settings: Settings, view: any PlanningView) throws -> [String: Double] { [:] }

    package func validate(settings: StageSettings) throws { _ = try bind(settings) }

    package func plan(round: Int, settings: StageSettings, view: any PlanningView) throws -> [ShardPlan] {
        let settings = try bind(settings)
        let model = try model(settings, view: view)
        let parameters = model.parametersOrNone
        var calibration: SHA256Digest?
        if let network = calibratedNetwork(of: model), let parameters {
            calibration = try CalibrationFile.stored(
                settings.calibration, network: network, parameters: parameters, view: view, stage: name)
        }
        let work = try view.store(
            try StageCoding.encode(ImageWork(model: model, calibration: calibration, settings: settings)))
        return try items(settings, view: view).flatMap { centre, items in
            try StudyChunks.parts(items, of: settings.imagesPerShard).map { number, part in
                ShardPlan(
                    key: "\(centre)/\(number)", centre: centre,
                    input: try StageCoding.encode(ImageShard(centre: centre, items: part, work: work)),
                    blobs: [work] + [parameters, calibration].compactMap { $0 }, model: parameters)
            }
        }
    }

    package func map(_ shard: ShardInput, context: any MapContext) throws -> ShardOutput {
        let input = try StageCoding.decode(ImageShard<Item>.self, from: shard.input, of: "the \(name) shard \(shard.key)")
        let work = try StageCoding.decode(
            ImageWork<Model, Settings>.self, from: try context.content(input.work), of: "what the shards of \(shard.step) share")
        let index = try context.index(ofCentre: input.centre)
        // One thread a slot: what an image gives does not depend on how many there are.
        ComputeThreads.set(1)
        let network = try network(work, context: context)
        var sheet = ImageSheet(
            centre: input.centre, drawsOverlays: work.settings.overlays && context.keepsPictures(in: work.settings.pictures),
            place: work.settings.pictures)
        sheet.tally.parameters = work.model.parametersOrNone
        let prompts = try prompts(input.items, work, context: context, sheet: &sheet)
        try context.forEachImage(prompts, in: index, sheet: &sheet) { prompt, image, sheet in
            try look(at: prompt, image, with: network, work, sheet: &sheet)
        }
        sheet.output.record = try StageCoding.encode(sheet.tally)
        return sheet.output
    }

    package func reduce(
        round: Int, records: [ShardRecord], settings: StageSettings, view: any PlanningView
    ) throws -> RoundOutcome {
        // In a fixed order: sums of fractions depend on it in their last bits.
        let parts = try records.sorted { $0.key < $1.key }.decoded(as: ImageTally.self)
        try view.requireOneModel(parts.map(\.parameters))
        var tally = ImageTally()
        for part in parts { tally.add(part) }
        let settings = try bind(settings)
        let numbers = try metrics(tally, settings)
        return RoundOutcome(metrics: numbers.merging(try comparison(tally, settings, view: view)) { $1 })
    }
}
