import Foundation
import Imaging
import Testing

import Stages

/// From predictions to pseudo-labels, and to the next generation that learns from them.
@Suite struct RefineStageTests {
    private static let training = "stage: 'segment-train', size: 'b0', imageSize: 64, scales: [1], dropPath: 0, replicas: 2, batch: 4"

    private func run(_ archive: TinyArchive, _ refine: String, after: String = "") throws -> MemoryLedger {
        let stages = """
            {seed: 5, stages: [
              {stage: 'catalogue'}, {stage: 'labels'},
              {\(Self.training), labels: 'truth', rounds: 2, localEpochs: 20, learningRate: 1e-3, augmentation: 'flips'},
              {stage: 'segment', imagesPerShard: 5}, {stage: 'refine', imagesPerShard: 3\(refine)}\(after)
            ]}
            """
        let pipeline = try Pipeline(json5: Data(stages.utf8), registry: .standard)
        try pipeline.checkInputs(registry: .standard)
        let runner = LocalRunner(registry: .standard, centres: archive.centres, seed: pipeline.seed)
        try runner.run(pipeline)
        return runner.store
    }

    @Test func theLargestComponentIsThePseudoLabelAndTheNextGenerationLearnsFromIt() throws {
        let archive = try TinyArchive(studies: 12)
        let ledger = try run(
            archive, "",
            after: """
                , {step: 'second', \(Self.training), from: {masks: 'refine'}, rounds: 1},
                {step: 'again', stage: 'segment', splits: ['test'], from: {network: 'second'}},
                {stage: 'evaluate', splits: ['test'], resamples: 100, from: {predictions: ['segment', 'refine', 'again']}}
                """)
        let maps = ledger.masks(ofStep: "segment").filter { $0.kind == "segment" }
        let boxes = ledger.boxes(ofStep: "refine")
        #expect(!maps.isEmpty && boxes.map { [$0.study, $0.image] } == maps.map { [$0.study, $0.image] })
        let contents = Dictionary(maps.map { ([$0.study, $0.image], $0.content) }, uniquingKeysWith: { first, _ in first })
        for row in ledger.masks(ofStep: "refine") {
            let mask = try ImageDecoder.decode(try ledger.content(row.content))
            let map = try ImageDecoder.decode(try ledger.content(try #require(contents[[row.study, row.image]])))
            let found = ConnectedComponents(of: try Mask(width: mask.width, height: mask.height, bits: mask.pixels.map { $0 == 255 }))
            #expect(row.kind == "refined-mask" && found.components.count == 1)
            // Nothing that the map does not hold.
            #expect(zip(mask.pixels, map.pixels).allSatisfy { $0 == 0 || $1 >= 127 })
            let box = try #require(boxes.first { $0.study == row.study && $0.image == row.image }?.rectangle)
            #expect(found.components.first?.box == Box(x0: box.x0, y0: box.y0, x1: box.x1, y1: box.y1))
        }
        let kept = boxes.filter(\.isKept).count
        let numbers = ledger.metrics(ofStep: "refine", round: 0)
        #expect(kept > 0 && numbers["kept"] == Double(kept) && numbers["images"] == Double(maps.count))
        // The second generation learns from what was kept, of its split.
        let images = try #require(ledger.metrics(ofStep: "second", round: 0)["images"])
        #expect(images > 0 && images <= Double(kept))
        let dice = ledger.evaluations.filter { $0.metric == "dice" && $0.centre == "all" }
        #expect(dice.map(\.subject) == ["segment", "refine", "again"] && dice.allSatisfy { ($0.value ?? -1) >= 0 })
        #expect((dice[1].value ?? 0) > 0.5, "Dice \(dice[1].value ?? -1)")
    }

    /// A loop over real networks: what is kept is compared with what taught its generation, and ends the loop.
    @Test func whatIsKeptIsComparedWithWhatTaught() throws {
        let archive = try TinyArchive(studies: 8)
        let ledger = try run(
            archive, "",
            after: """
                , {repeat: {generations: 3, until: 0.001, steps: [
                  {step: 'teach', \(Self.training), from: {masks: {first: 'refine', then: 'settle'}}, rounds: 2, localEpochs: 10, learningRate: 1e-3},
                  {step: 'draw', stage: 'segment'}, {step: 'settle', stage: 'refine'}]}},
                {stage: 'evaluate', splits: ['test'], resamples: 100, from: {predictions: ['segment', 'draw']}}
                """)
        // Nobody's masks taught the network behind the first ones.
        #expect(Agreement(metrics: ledger.metrics(ofStep: "refine", round: 0)) == nil)
        func kept(_ step: String) throws -> [[String]: Mask] {
            let names = Set(ledger.boxes(ofStep: step).filter(\.isKept).map { [$0.centre, $0.study, $0.image] })
            let rows = ledger.masks(ofStep: step).filter { names.contains([$0.centre, $0.study, $0.image]) }
            return try Dictionary(
                uniqueKeysWithValues: rows.map {
                    ([$0.centre, $0.study, $0.image], Mask(try ImageDecoder.decode(try ledger.content($0.content))))
                })
        }
        let (before, now) = (try kept("refine"), try kept("settle-1"))
        // Counted by hand.
        func overlap(_ one: Mask, _ other: Mask) -> Double {
            2 * Double(zip(one.bits, other.bits).count { $0 && $1 }) / Double(one.area + other.area)
        }
        let dice = now.compactMap { key, mask in before[key].map { overlap(mask, $0) } }
        let agreement = try #require(Agreement(metrics: ledger.metrics(ofStep: "settle-1", round: 0)))
        let all = Set(before.keys).union(now.keys).count
        #expect(!dice.isEmpty && agreement.images == all)
        #expect(agreement.stayed == Double(dice.count) / Double(all))
        #expect(agreement.came == Double(now.count - dice.count) / Double(all))
        #expect(agreement.went == Double(before.count - dice.count) / Double(all))
        #expect(abs((agreement.dice ?? -1) - dice.reduce(0, +) / Double(dice.count)) < 1e-12)
        #expect(abs(agreement.value - dice.reduce(0, +) / Double(all)) < 1e-12)
        #expect(ledger.skipped.count == 6 && agreement.value >= 0.001)
        #expect(Set(ledger.evaluations.filter { $0.metric == "dice" }.map(\.subject)) == ["segment", "draw-1"])
    }

    @Test func theFiltersDecideAboutBoxes() throws {
        let archive = try TinyArchive(studies: 8)
        let ledger = try run(archive, ", minimumArea: 0.9, maximumArea: 0.95, splits: ['test']")
        let boxes = ledger.boxes(ofStep: "refine")
        #expect(!boxes.isEmpty && boxes.allSatisfy { !$0.isKept && $0.rejection != nil })
        #expect(ledger.metrics(ofStep: "refine", round: 0)["kept"] == 0)
    }

    /// What a network is not sure of is drawn, and not learnt from.
    @Test func aMapWithoutAFirmOutlineTeachesNobody() throws {
        let firm = try FloatImage(width: 4, height: 2, values: [0, 0.1, 0.9, 1, 0, 0.3, 0.8, 0.85])
        #expect(abs(RefineStage.stability(of: firm) - 4.0 / 5) < 1e-12)
        let faint = try FloatImage(width: 4, height: 1, values: [0.3, 0.5, 0.6, 0.7])
        #expect(RefineStage.stability(of: faint) == 0)
        #expect(RefineStage.stability(of: try FloatImage(width: 2, height: 1, values: [0, 0.1])) == 0)

        let archive = try TinyArchive(studies: 8)
        let all = try run(archive, ", maximumArea: 0.95, minimumArea: 0, maximumComponents: 1000")
        let none = try run(archive, ", maximumArea: 0.95, minimumArea: 0, maximumComponents: 1000, minimumStability: 1")
        let kept = all.boxes(ofStep: "refine").filter(\.isKept)
        #expect(!kept.isEmpty)
        let unsure = none.boxes(ofStep: "refine").filter { $0.rejection == "unsure" }
        #expect(unsure.map(\.image) == kept.map(\.image) && unsure.map(\.study) == kept.map(\.study))
        #expect(none.metrics(ofStep: "refine", round: 0)["rejected.unsure"] == Double(kept.count))
    }

    @Test(arguments: [
        "minimumStability: 1.5", "threshold: 1", "minimumArea: 0.5, maximumArea: 0.4", "imagesPerShard: 0", "maximumComponents: 0",
    ])
    func impossibleSettingsAreRefused(setting: String) {
        let stages = "{stages: [{stage: 'catalogue'}, {stage: 'refine', \(setting)}]}"
        #expect(throws: StageError.self) { try Pipeline(json5: Data(stages.utf8), registry: .standard) }
    }
}
