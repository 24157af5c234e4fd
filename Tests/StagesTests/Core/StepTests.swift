import Foundation
import Testing

import Stages

/// Steps with names of their own, and how they find each other.
@Suite struct StepTests {
    private static let seed = "{stage: 'catalogue'}, {stage: 'labels'}"

    private static func pipeline(_ stages: String) throws -> Pipeline {
        let pipeline = try Pipeline(json5: Data("{seed: 5, stages: [\(stages)]}".utf8), registry: .standard)
        try pipeline.checkInputs(registry: .standard)
        return pipeline
    }

    private static func fault(_ stages: String) -> String {
        do {
            _ = try pipeline(stages)
            return "nothing was wrong"
        } catch { return "\(error)" }
    }

    private static func sources(_ stages: String, of step: String) throws -> [String: [String]] {
        let outlines = try pipeline(stages).outlines(registry: .standard)
        return try #require(outlines.first { $0.step.name == step }).sources.steps.mapValues { $0.map(\.name) }
    }

    @Test func aStepIsCalledAsItsStageUnlessItSaysOtherwise() throws {
        let pipeline = try Self.pipeline(Self.seed + ", {step: 'again', stage: 'labels'}")
        #expect(pipeline.steps.map(\.name) == ["catalogue", "labels", "again"])
        #expect(pipeline.steps.map(\.stage) == ["catalogue", "labels", "labels"])
        let kept = try Pipeline(json5: pipeline.canonicalJSON(), registry: .standard)
        #expect(kept.steps == pipeline.steps)
        #expect(try kept.canonicalJSON() == pipeline.canonicalJSON())
    }

    @Test func theNearestStepThatFitsIsRead() throws {
        let stages =
            Self.seed + """
                , {stage: 'segment-train', labels: 'truth'}, {stage: 'segment'},
                {step: 'second', stage: 'segment-train', from: {masks: 'segment'}}, {step: 'third', stage: 'segment'},
                {step: 'fourth', stage: 'segment', from: {network: 'segment-train'}},
                {stage: 'evaluate'}, {step: 'two', stage: 'evaluate', from: {predictions: ['fourth', 'third']}}
                """
        #expect(try Self.sources(stages, of: "segment")["network"] == ["segment-train"])
        #expect(try Self.sources(stages, of: "second") == ["studies": ["catalogue"], "masks": ["segment"]])
        #expect(try Self.sources(stages, of: "third")["network"] == ["second"])
        #expect(try Self.sources(stages, of: "fourth")["network"] == ["segment-train"])
        #expect(try Self.sources(stages, of: "evaluate")["predictions"] == ["segment", "third", "fourth"])
        // In the pipeline's order, whatever the order in which they are named.
        #expect(try Self.sources(stages, of: "two")["predictions"] == ["third", "fourth"])
    }

    @Test(arguments: [
        ("{stage: 'catalogue'}, {stage: 'catalogue'}", "more than one step catalogue: give each a name of its own in `step`"),
        ("{stage: 'catalogue', step: 'Röntgen'}", "stages[0]: `step` is a name"),
        ("{stage: 'catalogue', step: '../up'}", "stages[0]: `step` is a name"),
        ("{stage: 'catalogue', step: 7}", "stages[0]: `step` is a name"),
        ("{stage: 'catalogue', from: 'x'}", "step catalogue: `from` is an object of step names"),
        ("{stage: 'catalogue', from: {studies: 1}}", "step catalogue: `from` is an object of step names"),
        ("{stage: 'catalogue', from: {studies: 'x'}}", "`from.studies` names nothing that it reads"),
        (seed + ", {stage: 'segment-train', labels: 'truth', from: {masks: 'labels'}}", "`from.masks` names nothing that it reads"),
        (seed + ", {stage: 'segment-train', from: {masks: 'labels'}}", "names labels, which leaves no masks"),
        (seed + ", {stage: 'segment-train', from: {masks: 'sam'}}", "names sam, which is no step before it; no step before it would do"),
        (seed + ", {stage: 'segment-train', from: {masks: ['a', 'b']}}", "`from.masks` names one step"),
        (
            seed + ", {stage: 'segment-train', labels: 'truth'}, {stage: 'segment', from: {network: 'later'}}",
            "names later, which is no step before it; what would do: segment-train"
        ),
        ("{stage: 'labels'}", "labels needs catalogue before it"),
        (seed + ", {stage: 'segment'}", "segment needs segment-train before it, or name a file in `weights`"),
        (seed + ", {stage: 'segment-train'}", "segment-train needs cam before it, or learn from other `labels`"),
    ]) func whatIsMissingOrUnclearIsRefused(stages: String, fault: String) {
        let told = Self.fault(stages)
        #expect(told.contains(fault), "\(told)")
    }

    /// Two trainings from different masks, two steps that draw, one evaluation of both.
    @Test func stepsOfOneStageKeepWhatIsTheirs() throws {
        let archive = try TinyArchive(studies: 8)
        let training = "stage: 'segment-train', size: 'b0', imageSize: 64, scales: [1], dropPath: 0, rounds: 1, replicas: 2, batch: 4"
        let pipeline = try Self.pipeline(
            Self.seed + """
                , {\(training), labels: 'truth'}, {stage: 'segment'},
                {step: 'taught', \(training), from: {masks: 'segment'}}, {step: 'again', stage: 'segment', splits: ['test']},
                {step: 'first', stage: 'segment', splits: ['test'], from: {network: 'segment-train'}},
                {stage: 'evaluate', resamples: 100, from: {predictions: ['first', 'again']}}
                """)
        let runner = LocalRunner(registry: .standard, centres: archive.centres, seed: pipeline.seed)
        try runner.run(pipeline)
        let ledger = runner.store
        let (one, two) = (ledger.model(ofStep: "segment-train", startingRound: nil), ledger.model(ofStep: "taught", startingRound: nil))
        #expect(one != nil && two != nil && one != two)
        #expect(ledger.modelUsed(byStep: "first") == one && ledger.modelUsed(byStep: "again") == two)
        let wanted = Set(ledger.masks(ofStep: "first").map { [$0.study, $0.image, $0.kind] })
        // The same network draws the same.
        let whole = ledger.masks(ofStep: "segment").filter { wanted.contains([$0.study, $0.image, $0.kind]) }
        #expect(!wanted.isEmpty && ledger.masks(ofStep: "first") == whole)
        let dice = ledger.evaluations.filter { $0.metric == "dice" && $0.centre == "all" }
        #expect(dice.map(\.subject) == ["again", "first"])
        #expect(dice.map(\.model) == [two, one] && dice.allSatisfy { $0.head == "polyp-pvt" })
        let headline = ledger.metrics(ofStep: "evaluate", round: 0)
        #expect(headline["mask.again.dice"] == dice[0].value && headline["mask.first.dice"] == dice[1].value)
        // The seeds are the steps' own.
        #expect(ledger.model(ofStep: "taught", startingRound: 1) != ledger.model(ofStep: "segment-train", startingRound: 1))
    }
}
