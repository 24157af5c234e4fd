import Foundation
import Testing

import Stages

/// What stages need of the stages before them, told before a job is accepted.
@Suite struct StageInputTests {
    /// What is said of a pipeline of these stages; nil where nothing is.
    private static func refusal(_ stages: String) throws -> String? {
        let pipeline = try Pipeline(json5: Data("{stages: [\(stages)]}".utf8), registry: .standard)
        do {
            try pipeline.checkInputs(registry: .standard)
            return nil
        } catch let error as StageError { return error.message }
    }

    @Test(arguments: BuiltInPipelines.names) func builtInPipelinesLackNothing(name: String) throws {
        let text = try #require(BuiltInPipelines.text(named: name))
        try Pipeline(json5: Data(text.utf8), registry: .standard).checkInputs(registry: .standard)
    }

    @Test(arguments: [
        ("{stage: 'labels'}", "labels needs catalogue before it"),
        ("{stage: 'catalogue'}, {stage: 'mil-score'}", "mil-score needs mil-train before it, or name a file in `weights`"),
        ("{stage: 'catalogue'}, {stage: 'mil-score', weights: 'w'}, {stage: 'mil-train'}", "mil-train needs labels before it"),
        (
            "{stage: 'catalogue'}, {stage: 'mil-score', weights: 'w'}, {stage: 'cam', weights: 'w'}",
            "cam needs labels before it, or take them all (`studies: \"all\"`)"
        ),
        (
            "{stage: 'catalogue'}, {stage: 'toco-cam', weights: 'w', studies: 'all'}",
            "toco-cam needs mil-score before it, or give `threshold: 0`"
        ),
        ("{stage: 'catalogue'}, {stage: 'sam', weights: 'w', boxes: 'toco-cam'}", "sam needs toco-cam before it, or choose other `boxes`"),
        (
            "{stage: 'catalogue'}, {stage: 'segment-train', labels: 'sam-mask'}",
            "segment-train needs sam before it, or learn from other `labels`"
        ),
        ("{stage: 'catalogue'}, {stage: 'segment-train', labels: 'toco-cam-mask'}", "segment-train needs toco-cam before it"),
        ("{stage: 'catalogue'}, {stage: 'segment', studies: 'all'}", "segment needs segment-train before it, or name a file in `weights`"),
    ]) func whatIsMissingIsNamed(stages: String, says: String) throws {
        let said = try #require(try Self.refusal(stages))
        #expect(said.contains(says), "\(said)")
    }

    @Test func everythingMissingIsNamedAtOnce() throws {
        let said = try #require(try Self.refusal("{stage: 'cam'}, {stage: 'catalogue'}, {stage: 'toco-train'}"))
        for part in [
            "cam needs catalogue", "cam needs labels", "cam needs mil-train", "cam needs mil-score", "toco-train needs labels",
            "toco-train needs mil-score",
        ] { #expect(said.contains(part + " before it"), "\(said)") }
        #expect(!said.contains("toco-train needs catalogue"), "\(said)")
    }

    @Test(arguments: [
        "{stage: 'catalogue'}, {stage: 'mil-score', weights: 'w'}, {stage: 'cam', weights: 'w', studies: 'all'}",
        "{stage: 'catalogue'}, {stage: 'toco-cam', weights: 'w', studies: 'all', threshold: 0}, {stage: 'evaluate'}",
        "{stage: 'catalogue'}, {stage: 'segment', weights: 'w', studies: 'all'}, {stage: 'evaluate'}",
        "{stage: 'catalogue'}, {stage: 'labels'}, {stage: 'segment-train', labels: 'truth'}, {stage: 'segment'}",
    ]) func filesTakeTheirPlace(stages: String) throws { #expect(try Self.refusal(stages) == nil) }
}
