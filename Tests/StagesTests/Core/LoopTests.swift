import Foundation
import Testing

import Stages

/// `repeat` in pipelines: reading, unrolling, names, and what reads what.
@Suite struct LoopTests {
    private static let steps =
        "{stage: 'train', from: {masks: {first: 'source', then: 'settle'}}}, {stage: 'draw'}, {stage: 'settle'}"

    private static func pipeline(_ stages: String) throws -> Pipeline {
        let registry = LoopToys().registry
        let pipeline = try Pipeline(json5: Data("{stages: [\(stages)]}".utf8), registry: registry)
        try pipeline.checkInputs(registry: registry)
        return pipeline
    }

    private static func sources(_ stages: String) throws -> [String: [String: [String]]] {
        Dictionary(
            uniqueKeysWithValues: try pipeline(stages).outlines(registry: LoopToys().registry).map {
                ($0.step.name, $0.sources.steps.mapValues { $0.map(\.name) })
            })
    }

    @Test func aLoopIsUnrolledIntoGenerations() throws {
        let pipeline = try Self.pipeline("{stage: 'source'}, {repeat: {generations: 3, steps: [\(Self.steps)]}}, {stage: 'report'}")
        #expect(
            pipeline.steps.map(\.name) == [
                "source", "train-1", "draw-1", "settle-1", "train-2", "draw-2", "settle-2", "train-3", "draw-3", "settle-3", "report",
            ])
        #expect(pipeline.steps.map { $0.generation?.number ?? 0 } == [0, 1, 1, 1, 2, 2, 2, 3, 3, 3, 0])
        #expect(pipeline.written.map(\.name) == ["source", "train", "draw", "settle", "report"])
    }

    @Test func namesOfTheLoopMeanTheirGeneration() throws {
        let found = try Self.sources(
            """
            {stage: 'source'}, {repeat: {generations: 3, steps: [\(Self.steps), {step: 'other', stage: 'settle', from: {masks: 'draw'}},
              {step: 'all', stage: 'report', from: {predictions: ['source', 'draw', 'settle', 'all-masks']}}, {step: 'all-masks', stage: 'settle'}]}},
            {step: 'whole', stage: 'report'}, {step: 'some', stage: 'report', from: {predictions: ['settle', 'settle-1']}},
            {step: 'next', stage: 'train', from: {masks: 'settle'}}
            """)
        #expect(["train-1", "train-2", "train-3"].map { found[$0]?["masks"] } == [["source"], ["settle-1"], ["settle-2"]])
        // The nearest earlier step, and one that is named and stands before, are of the same generation.
        #expect(found["draw-2"]?["network"] == ["train-2"] && found["settle-2"]?["masks"] == ["draw-2"])
        #expect(found["other-3"]?["masks"] == ["draw-3"])
        // One that stands later is of the generation before, and the first has none.
        #expect(found["all-1"]?["predictions"] == ["source", "draw-1", "settle-1"])
        #expect(found["all-2"]?["predictions"] == ["source", "all-masks-1", "draw-2", "settle-2"])
        // From outside, a plain name is the last generation; every one has its number.
        #expect(found["some"]?["predictions"] == ["settle-1", "settle-3"] && found["next"]?["masks"] == ["settle-3"])
        #expect(found["whole"]?["predictions"]?.count == 1 + 3 * 4)
    }

    @Test func withoutAFirstTheFirstGenerationReadsWhatIsNearest() throws {
        let found = try Self.sources(
            "{stage: 'source'}, {repeat: {generations: 2, steps: [{stage: 'train', from: {masks: 'settle'}}, {stage: 'draw'}, {stage: 'settle'}]}}"
        )
        #expect(found["train-1"]?["masks"] == ["source"] && found["train-2"]?["masks"] == ["settle-1"])
    }

    @Test func stepsKnowWhoseMasksTaughtThem() throws {
        let outlines = try Self.pipeline("{stage: 'source'}, {repeat: {generations: 2, steps: [\(Self.steps)]}}")
            .outlines(registry: LoopToys().registry)
        let teachers = Dictionary(uniqueKeysWithValues: outlines.map { ($0.step.name, $0.step.teachers.map(\.name)) })
        #expect(teachers["source"] == [])
        for step in ["train-1", "draw-1", "settle-1"] { #expect(teachers[step] == ["source"], "\(step)") }
        for step in ["train-2", "draw-2", "settle-2"] { #expect(teachers[step] == ["settle-1"], "\(step)") }
    }

    @Test func theLedgerKeepsItAsItWasWritten() throws {
        let registry = LoopToys().registry
        let pipeline = try Self.pipeline("{stage: 'source'}, {repeat: {generations: 2, until: 0.97, steps: [\(Self.steps)]}}")
        let kept = try pipeline.canonicalJSON()
        #expect(
            String(decoding: kept, as: UTF8.self) == #"{"seed":0,"stages":[{"stage":"source"},{"repeat":{"generations":2,"steps":["#
                + #"{"from":{"masks":{"first":["source"],"then":["settle"]}},"stage":"train"},{"stage":"draw"},{"stage":"settle"}],"#
                + #""until":0.97}}]}"#)
        let again = try Pipeline(json5: kept, registry: registry)
        #expect(again.steps == pipeline.steps && again.entries == pipeline.entries)
        #expect(try again.canonicalJSON() == kept)
    }

    /// What ledgers of earlier programs hold.
    @Test func pipelinesWithoutALoopAreReadAndKeptAsBefore() throws {
        let text =
            #"{"seed":5,"stages":[{"imageCheck":"decode","stage":"catalogue"},{"stage":"labels"},{"labels":"truth","rounds":2,"#
            + #""stage":"segment-train"},{"stage":"segment"},{"from":{"masks":["segment"]},"stage":"refine","threshold":0.25},"#
            + #"{"from":{"masks":["refine"]},"stage":"segment-train","step":"second-train"},"#
            + #"{"from":{"predictions":["segment","refine"]},"stage":"evaluate"}]}"#
        let pipeline = try Pipeline(json5: Data(text.utf8), registry: .standard)
        #expect(String(decoding: try pipeline.canonicalJSON(), as: UTF8.self) == text)
        #expect(pipeline.steps.map(\.name) == ["catalogue", "labels", "segment-train", "segment", "refine", "second-train", "evaluate"])
        #expect(pipeline.steps == pipeline.written && pipeline.steps.allSatisfy { $0.generation == nil })
        #expect(pipeline.steps[5].from == ["masks": ["refine"]])
    }

    @Test func settingsChangeInEveryGeneration() throws {
        let text =
            "{stages: [{stage: 'catalogue'}, {stage: 'labels'}, {repeat: {generations: 2, steps: [{stage: 'segment-train', labels: 'truth'}]}}]}"
        var pipeline = try Pipeline(json5: Data(text.utf8), registry: .standard)
        pipeline.changeSettings { step in
            step.stage == "segment-train" ? StageSettings(json: Data(#"{"labels":"truth","rounds":3}"#.utf8)) : step.settings
        }
        #expect(pipeline.steps.suffix(2).allSatisfy { String(decoding: $0.settings.json, as: UTF8.self).contains("\"rounds\":3") })
        #expect(String(decoding: try pipeline.canonicalJSON(), as: UTF8.self).contains("\"rounds\":3"))
    }

    @Test(arguments: [
        ("{repeat: 3}", "stages[1]: `repeat` is an object"),
        ("{repeat: {generations: 2, steps: [\(steps)]}, stage: 'draw'}", "stages[1]: `stage` cannot stand beside `repeat`"),
        ("{repeat: {generations: 2, times: 2, steps: [\(steps)]}}", "unknown field `times`"),
        ("{repeat: {steps: [\(steps)]}}", "`repeat.generations` is a whole number, 1 to 100"),
        ("{repeat: {generations: 0, steps: [\(steps)]}}", "`repeat.generations` is a whole number, 1 to 100"),
        ("{repeat: {generations: 101, steps: [\(steps)]}}", "`repeat.generations` is a whole number, 1 to 100"),
        ("{repeat: {generations: 1.5, steps: [\(steps)]}}", "`repeat.generations` is a whole number, 1 to 100"),
        ("{repeat: {generations: 2, until: 0, steps: [\(steps)]}}", "`repeat.until` is a number above 0 up to 1"),
        ("{repeat: {generations: 2, until: 1.01, steps: [\(steps)]}}", "`repeat.until` is a number above 0 up to 1"),
        ("{repeat: {generations: 2, until: 'still', steps: [\(steps)]}}", "`repeat.until` is a number above 0 up to 1"),
        ("{repeat: {generations: 2, until: 0.9, steps: [{stage: 'train'}]}}", "measures whether labels still move: settle"),
        ("{repeat: {generations: 2, steps: []}}", "`repeat.steps` must be a list of steps"),
        ("{repeat: {generations: 2, steps: [{stage: 'none'}]}}", "stages[1].repeat.steps[0] has no field `stage` with a known name"),
        ("{repeat: {generations: 2, steps: [{repeat: {}}]}}", "stages[1].repeat.steps[0]: a loop cannot stand in another"),
        ("{repeat: {generations: 2, steps: [{stage: 'train', step: 'A'}]}}", "stages[1].repeat.steps[0]: `step` is a name"),
        (
            "{repeat: {generations: 10, steps: [{stage: 'train', step: '\(String(repeating: "a", count: 62))'}]}}",
            "stages[1].repeat.steps[0]: the step's name has more than 64 characters with its generation"
        ),
        ("{repeat: {generations: 2, steps: [\(steps), {stage: 'draw'}]}}", "more than one step draw, draw-1, draw-2"),
        ("{repeat: {generations: 2, steps: [\(steps)]}}, {stage: 'train', step: 'draw-2'}", "more than one step draw-2"),
        ("{repeat: {generations: 2, steps: [\(steps)]}}, {stage: 'draw'}", "more than one step draw"),
        ("{repeat: {generations: 2, steps: [{stage: 'train', from: {masks: {first: 'source'}}}]}}", "in a loop also { masks: { first:"),
        ("{stage: 'train', from: {masks: {first: 'source', then: 'source'}}}", "step train: `from` is an object of step names"),
        ("{repeat: {generations: 1, steps: [{stage: 'train', from: {masks: {first: 'source', then: 'setle'}}}]}}", "names setle"),
        (
            "{repeat: {generations: 2, steps: [{stage: 'train', from: {masks: 'source'}}, {stage: 'draw'}]}}",
            "stages[1]: no step of the loop reads what the generation before left"
        ),
    ]) func whatCannotBeIsRefusedByName(stages: String, fault: String) {
        let error = #expect(throws: StageError.self) { try Self.pipeline("{stage: 'source'}, " + stages) }
        #expect(error?.code == .invalidSettings && error?.message.contains(fault) == true, "\(error?.message ?? "nothing")")
    }

    @Test func whatTheFirstGenerationLacksIsToldOnce() throws {
        let error = #expect(throws: StageError.self) {
            try Self.pipeline("{repeat: {generations: 3, steps: [{stage: 'draw'}, {stage: 'settle'}]}}")
        }
        #expect(error?.message.hasSuffix("do not find what they need: draw-1 needs train before it") == true, "\(error?.message ?? "")")
    }
}
