import Archives
import Digest
import Foundation
import Models
import NeuralNetwork

/// Looks at each image once with a frozen encoder, and keeps what it says: heads are trained and scored on these features in
/// seconds a round, instead of looking at every image anew.
///
/// Rows: `feature`, one a study, whose content is a `StudyFeatures`. What an earlier job made by the same recipe of the same
/// files is taken over. The step's model is the encoder with the `FeatureStatistics` of its training images. Settings:
/// `FeaturesSettings`.
package struct FeaturesStage: Stage {
    package let name = "features"
    package let products = [Product.features]

    package init() {}

    package func validate(settings: StageSettings) throws {
        _ = try FeaturesSettings(settings, stage: name).file(stage: name)
    }

    package func needs(settings: StageSettings) throws -> [StageNeed] { [.studies] }

    package func checkFiles(settings: StageSettings) throws {
        let settings = try FeaturesSettings(settings, stage: name)
        try WeightsFile.look(at: settings.file(stage: name), for: .start(ofMIL: settings.encoder), stage: name)
    }

    struct Input: Codable {
        struct Bag: Codable {
            var study: String
            var images: [String]
            /// Whether the statistics are made of it.
            var isTraining: Bool
            /// What an earlier job made of it.
            var known: SHA256Digest?
        }

        var centre: String
        var bags: [Bag]
        var encoder: TrainedEncoder
    }

    struct Record: Codable {
        var images = 0
        var failedImages = 0
        /// Images whose features an earlier job had made.
        var reusedImages = 0
        var sums: FeatureStatistics.Sums
        var parameters: SHA256Digest
    }

    package func plan(round: Int, settings: StageSettings, view: any PlanningView) throws -> [ShardPlan] {
        let settings = try FeaturesSettings(settings, stage: name)
        let encoder = try TrainedEncoder(settings, view: view)
        let earlier = Dictionary(
            try view.features(ofRecipe: encoder.recipe()).map { ([$0.centre, $0.study], $0.content) },
            uniquingKeysWith: { _, last in last })
        let studies = try view.studies().filter { settings.splits.contains($0.split) && !$0.images.isEmpty }
        return try StudyChunks.byCentre(studies).flatMap { centre, studies in
            try StudyChunks.parts(studies, of: settings.studiesPerShard).map { number, part in
                let bags = part.map {
                    Input.Bag(
                        study: $0.study, images: $0.images, isTraining: $0.split == "train", known: earlier[[centre, $0.study]])
                }
                return ShardPlan(
                    key: "\(centre)/\(number)", centre: centre,
                    input: try StageCoding.encode(Input(centre: centre, bags: bags, encoder: encoder)),
                    blobs: [encoder.parameters] + bags.compactMap(\.known), model: encoder.parameters,
                    // What is trained on them has the same bits only where they have.
                    needsUniformSetup: true)
            }
        }
    }

    package func map(_ shard: ShardInput, context: any MapContext) throws -> ShardOutput {
        let input = try StageCoding.decode(Input.self, from: shard.input, of: "the features shard \(shard.key)")
        ComputeThreads.set(1)
        var reading = try FeatureReading(input, context: context)
        var output = ShardOutput()
        for (position, bag) in input.bags.enumerated() {
            try context.checkCancellation()
            let features = try reading.features(of: bag)
            if !features.images.isEmpty {
                let content = try features.encoded()
                output.rows.append(
                    .feature(
                        .init(
                            centre: input.centre, study: bag.study, recipe: reading.recipe,
                            content: SHA256Digest(hashing: content))))
                output.blobs.append(content)
            }
            context.progress(done: position + 1, of: input.bags.count)
        }
        output.rows += reading.failures.map(ResultRow.item)
        output.record = try StageCoding.encode(reading.record)
        return output
    }

    package func reduce(
        round: Int, records: [ShardRecord], settings: StageSettings, view: any PlanningView
    ) throws -> RoundOutcome {
        let settings = try FeaturesSettings(settings, stage: name)
        let parts = try records.decoded(as: Record.self)
        try view.requireOneModel(parts.map(\.parameters))
        guard let encoder = try view.modelUsed(byStep: view.step.name) ?? parts.first?.parameters else {
            throw StageError(
                .missingInput, "step \(view.step.name): there is no study with images in splits \(settings.splits.joined(separator: ", "))")
        }
        let statistics = FeatureStatistics(parts.map(\.sums), length: settings.encoder.features)
        let parameters = try ParameterSet(decoding: try view.content(encoder))
        let model = try ParameterSet(entries: parameters.prefixed("encoder.").entries + statistics.entries)
        var metrics = TrainedModel.metrics(side: settings.side, colours: try settings.normalisation())
        metrics["features"] = Double(settings.encoder.features)
        metrics["images"] = Double(parts.reduce(0) { $0 + $1.images })
        metrics["failedImages"] = Double(parts.reduce(0) { $0 + $1.failedImages })
        metrics["reusedImages"] = Double(parts.reduce(0) { $0 + $1.reusedImages })
        metrics["statisticsImages"] = Double(parts.reduce(0) { $0 + $1.sums.count })
        return RoundOutcome(model: model.encoded(), metrics: metrics)
    }
}
