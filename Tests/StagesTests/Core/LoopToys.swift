import Foundation
import Stages
import Synchronization

/// The stages of a loop in their smallest form: `source` leaves masks, `train` learns from masks, `draw` runs what was
/// trained, `settle` says how far its masks agree with those that taught, `report` reads whatever there is.
struct LoopToys: Sendable {
    /// What `settle` says in each generation, by its number from 1.
    var agreements: [Double?] = []
    /// Told by every plan which steps it reads.
    let seen = Seen()

    final class Seen: Sendable {
        private let lines = Mutex<[String: [String: [String]]]>([:])
        private let teachers = Mutex<[String: [String]]>([:])
        func tell(_ view: any PlanningView) {
            let sources = view.sources.steps.mapValues { $0.map(\.name) }
            lines.withLock { $0[view.step.name] = sources }
            teachers.withLock { $0[view.step.name] = view.step.teachers.map(\.name) }
        }
        func sources(of step: String) -> [String: [String]]? { lines.withLock { $0[step] } }
        func teachers(of step: String) -> [String]? { teachers.withLock { $0[step] } }
        var steps: Set<String> { Set(lines.withLock(\.keys)) }
    }

    var registry: StageRegistry {
        let drawn = StageNeed(Product(.masks, "drawn"), takesAnyFamily: true)
        var all = StageNeed(Product(.masks, "drawn"), takesAnyFamily: true)
        (all.key, all.takesMany, all.isRequired) = ("predictions", true, false)
        return StageRegistry([
            Toy(name: "source", products: [Product(.masks, "given")], toys: self),
            Toy(
                name: "train", products: [Product(.network, "toy")], reads: [StageNeed(Product(.masks, "given"), takesAnyFamily: true)],
                toys: self),
            Toy(name: "draw", products: [Product(.masks, "drawn")], reads: [StageNeed(Product(.network, "toy"))], toys: self),
            Toy(name: "settle", products: [Product(.masks, "settled")], reads: [drawn], measuresAgreement: true, toys: self),
            Toy(name: "report", reads: [all], toys: self),
        ])
    }

    private struct Toy: Stage {
        let name: String
        var products: [Product] = []
        var reads: [StageNeed] = []
        var measuresAgreement = false
        let toys: LoopToys

        func needs(settings: StageSettings) throws -> [StageNeed] { reads }

        func plan(round: Int, settings: StageSettings, view: any PlanningView) throws -> [ShardPlan] {
            toys.seen.tell(view)
            return [ShardPlan(key: "all", centre: nil, input: Data("{}".utf8))]
        }

        func map(_ shard: ShardInput, context: any MapContext) throws -> ShardOutput { ShardOutput() }

        func reduce(round: Int, records: [ShardRecord], settings: StageSettings, view: any PlanningView) throws -> RoundOutcome {
            guard measuresAgreement, let generation = view.step.name.split(separator: "-").last.flatMap({ Int($0) }),
                generation <= toys.agreements.count, let value = toys.agreements[generation - 1]
            else { return RoundOutcome() }
            return RoundOutcome(metrics: Agreement(stayed: 1, came: 0, went: 0, diceSum: value)?.metrics ?? [:])
        }
    }
}
