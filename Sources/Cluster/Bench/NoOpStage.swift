import Foundation
import Stages

/// A stage that computes nothing: for measuring the cluster itself, and for trying it.
public struct NoOpStage: Stage {
    /// `{ shards: 1000, milliseconds: 0 }`
    struct Settings: Decodable {
        var shards: Int
        /// How long each shard pretends to work.
        var milliseconds: Int

        private enum CodingKeys: String, CodingKey { case shards, milliseconds }

        init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: CodingKeys.self)
            shards = try container.decodeIfPresent(Int.self, forKey: .shards) ?? 100
            milliseconds = try container.decodeIfPresent(Int.self, forKey: .milliseconds) ?? 0
        }
    }

    private struct Input: Codable {
        var milliseconds: Int
    }

    public init() {}

    public var name: String { "noop" }

    public func validate(settings: StageSettings) throws {
        let settings = try settings.decoded(as: Settings.self, stage: name)
        guard (0...10_000_000).contains(settings.shards), (0...3_600_000).contains(settings.milliseconds) else {
            throw StageError(.invalidSettings, "noop: `shards` may be 0 to 10000000, `milliseconds` 0 to 3600000")
        }
    }

    public func plan(round: Int, settings: StageSettings, view: any PlanningView) throws -> [ShardPlan] {
        let settings = try settings.decoded(as: Settings.self, stage: name)
        let input = try JSONEncoder().encode(Input(milliseconds: settings.milliseconds))
        return (0..<settings.shards).map { ShardPlan(key: String($0), centre: nil, input: input) }
    }

    public func map(_ shard: ShardInput, context: any MapContext) throws -> ShardOutput {
        let total = try JSONDecoder().decode(Input.self, from: shard.input).milliseconds
        let deadline = ContinuousClock.now + .milliseconds(total)
        while total > 0, ContinuousClock.now < deadline {
            try context.checkCancellation()
            Thread.sleep(forTimeInterval: min(0.01, Double(total) / 1000))
        }
        return ShardOutput()
    }
}
