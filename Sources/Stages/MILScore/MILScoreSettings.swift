import Foundation
import NeuralNetwork

/// Settings of the stage `mil-score`. Sizes of the network and of its input are those of `mil-train`.
public struct MILScoreSettings: Sendable, Hashable, Codable {
    public var studiesPerShard = 12
    public var precision = Arithmetic.fp32
    /// Which studies are scored.
    public var splits = ["train", "val", "test"]
    public var isReducedDecodeAllowed = true

    public enum Arithmetic: String, Sendable, Hashable, Codable {
        case fp32, bf16

        var precision: Precision { self == .fp32 ? .float32 : .bfloat16 }
    }

    public init() {}

    init(_ settings: StageSettings, stage: String) throws {
        self = try settings.laid(over: MILScoreSettings(), optional: [], stage: stage)
        guard studiesPerShard > 0 else {
            throw StageError(.invalidSettings, "stage \(stage): studiesPerShard is at least 1")
        }
        try Self.check(splits, stage: stage)
    }

    static func check(_ splits: [String], stage: String) throws {
        guard !splits.isEmpty, splits.allSatisfy({ ["train", "val", "test"].contains($0) }) else {
            throw StageError(.invalidSettings, "stage \(stage): splits is a list of train, val, test")
        }
    }
}
