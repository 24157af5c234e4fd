import Foundation
import NeuralNetwork

/// Settings of the stage `labels`.
public struct LabelsSettings: Sendable, Hashable, Codable {
    public enum Extractor: String, Sendable, Hashable, NamedChoice {
        /// The embedded rules.
        case rules
        /// A language model behind an OpenAI-compatible endpoint.
        case model
    }

    /// What becomes of labels that the archive itself brings along.
    public enum ArchiveLabels: String, Sendable, Hashable, NamedChoice {
        /// They are not looked at.
        case ignore
        /// They count where a study has no report.
        case fill
        /// They count before what the report says.
        case prefer
    }

    /// What becomes of a report that the language model and the rules read differently.
    public enum Disagreement: String, Sendable, Hashable, NamedChoice {
        /// The model's reading stands; the rules are not asked.
        case keep
        /// The report is set aside as uncertain.
        case uncertain
    }

    public var studiesPerShard: Int
    public var archiveLabels: ArchiveLabels
    public var extractor: Extractor
    /// Of the language model, such as `http://127.0.0.1:8080/v1`. Each worker must allow it: loopback, or listed in its
    /// environment's `ENDOKED_ALLOWED_ENDPOINTS`.
    public var endpoint: String?
    public var model: String?
    public var disagreement: Disagreement

    static let fields = ["studiesPerShard", "archiveLabels", "extractor", "endpoint", "model", "disagreement"]

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        studiesPerShard = try container.decodeIfPresent(Int.self, forKey: .studiesPerShard) ?? 50
        archiveLabels = try container.decodeIfPresent(ArchiveLabels.self, forKey: .archiveLabels) ?? .ignore
        extractor = try container.decodeIfPresent(Extractor.self, forKey: .extractor) ?? .rules
        endpoint = try container.decodeIfPresent(String.self, forKey: .endpoint)
        model = try container.decodeIfPresent(String.self, forKey: .model)
        disagreement = try container.decodeIfPresent(Disagreement.self, forKey: .disagreement) ?? .keep
        guard studiesPerShard > 0 else {
            throw StageError(.invalidSettings, "stage labels: studiesPerShard is \(studiesPerShard): it is at least 1")
        }
        guard extractor == .rules || endpoint != nil else {
            throw StageError(.invalidSettings, "stage labels: extractor `model` needs `endpoint`")
        }
        guard extractor == .model || disagreement == .keep else {
            throw StageError(
                .invalidSettings, "stage labels: `disagreement` compares a language model with the rules: it needs extractor `model`")
        }
    }
}
