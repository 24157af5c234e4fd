import Digest
import Foundation
import Stages
import Synchronization

/// One shard a study; writes a score, a heat map and, for the study named `bad`, an item that failed.
struct ToyScoreStage: Stage {
    var name: String { "toy-score" }
    /// Studies of each centre.
    var studies = 12
    /// How long a shard takes.
    var pause: Duration = .zero
    /// Called at the start of every map, with the study: lets a test hold, count or kill.
    var onMap: @Sendable (String) throws -> Void = { _ in }

    struct Input: Codable {
        var study: String
    }

    func plan(round: Int, settings: StageSettings, view: any PlanningView) throws -> [ShardPlan] {
        try view.centres.flatMap { centre in
            try (0..<studies).map { index in
                let study = "s\(index)"
                return ShardPlan(
                    key: "\(centre)/\(study)", centre: centre, input: try JSONEncoder().encode(Input(study: study)))
            }
        }
    }

    func map(_ shard: ShardInput, context: any MapContext) throws -> ShardOutput {
        let study = try JSONDecoder().decode(Input.self, from: shard.input).study
        try onMap(study)
        let deadline = ContinuousClock.now + pause
        while ContinuousClock.now < deadline {
            try context.checkCancellation()
            Thread.sleep(forTimeInterval: 0.005)
        }
        let centre = shard.centre ?? ""
        let map = Self.heatMap(of: "\(centre)/\(study)")
        return ShardOutput(
            rows: [
                .bagScore(.init(centre: centre, study: study, head: "toy", probability: Self.score(centre, study))),
                .mask(.init(centre: centre, study: study, image: "1.png", kind: "cam", content: SHA256Digest(hashing: map))),
                .box(
                    .init(
                        centre: centre, study: study, image: "1.png", rectangle: nil, areaShare: 0, isKept: false,
                        rejection: "no-foreground")),
            ], record: Data("{\"study\":\"\(study)\"}".utf8), blobs: [map])
    }

    func reduce(round: Int, records: [ShardRecord], settings: StageSettings, view: any PlanningView) throws -> RoundOutcome {
        RoundOutcome(metrics: ["records": Double(records.count), "done": Double(records.count { $0.record != nil })])
    }

    static func score(_ centre: String, _ study: String) -> Double {
        Double(SHA256Digest(hashing: Data("\(centre)/\(study)".utf8)).bytes[0]) / 255
    }

    /// Of several sizes, from a few bytes to more than two pieces of content.
    static func heatMap(of name: String) -> Data {
        let size = name.hasSuffix("s1") ? 2_500_000 : 100 + name.utf8.count
        return Data((0..<size).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ name.utf8.count) })
    }
}

/// Rounds of averaging: each replica adds its key's hash to the base, the reduce adds up. What it comes to depends on
/// every replica of every round, once each.
struct ToyTrainStage: Stage {
    var name: String { "toy-train" }
    var replicas = 4
    var rounds = 3
    var pause: Duration = .milliseconds(30)
    var missing = MissingReplicas.refuse
    /// What each round warns of.
    var warnings: [String] = []
    var onMap: @Sendable (Int, String) throws -> Void = { _, _ in }

    struct Input: Codable {
        var base: String?
        var replica: Int
    }

    func roundCount(settings: StageSettings) throws -> Int { rounds }
    func missingReplicas(settings: StageSettings) throws -> MissingReplicas? { missing }

    func plan(round: Int, settings: StageSettings, view: any PlanningView) throws -> [ShardPlan] {
        let base = try view.model(ofStep: name, startingRound: round)
        return try (0..<replicas).map { replica in
            ShardPlan(
                key: "replica \(replica)", centre: nil,
                input: try JSONEncoder().encode(Input(base: base?.hex, replica: replica)), blobs: base.map { [$0] } ?? [],
                needsUniformSetup: true)
        }
    }

    func map(_ shard: ShardInput, context: any MapContext) throws -> ShardOutput {
        let input = try JSONDecoder().decode(Input.self, from: shard.input)
        try onMap(shard.round, shard.key)
        let base = try input.base.flatMap { SHA256Digest(hex: $0) }.map { try context.content($0) } ?? Data(count: 3_000_000)
        let deadline = ContinuousClock.now + pause
        while ContinuousClock.now < deadline {
            try context.checkCancellation()
            Thread.sleep(forTimeInterval: 0.005)
        }
        let hash = SHA256Digest(hashing: base + Data("\(shard.seed)/\(shard.round)/\(shard.key)".utf8))
        return ShardOutput(record: Data("{\"samples\":\(input.replica + 1)}".utf8), blobs: [Data(hash.bytes)])
    }

    func reduce(round: Int, records: [ShardRecord], settings: StageSettings, view: any PlanningView) throws -> RoundOutcome {
        let base = try view.model(ofStep: name, startingRound: round).map { try view.content($0) } ?? Data(count: 3_000_000)
        var sum = [UInt8](base)
        for record in records where missing == .refuse || record.record != nil {
            guard let blob = record.blobs.first else { throw StageError(.parameters, "\(record.key) has no delta") }
            for (index, byte) in try view.content(blob).enumerated() { sum[index] &+= byte }
        }
        let before = try view.state(ofStep: name, startingRound: round).map { try view.content($0) } ?? Data()
        return RoundOutcome(
            model: Data(sum), state: before + Data([UInt8(round)]), metrics: ["loss": 1 / Double(round + 1)],
            contributions: records.map {
                RoundOutcome.Contribution(
                    shardKey: $0.key, centre: nil, samples: 1, weight: 1 / Double(records.count),
                    rejection: $0.record == nil ? "quarantined" : nil)
            }, warnings: warnings)
    }
}
