import Foundation

/// How well scores tell positive from negative, per centre and together, with confidence intervals.
public struct ClassificationReport: Sendable, Equatable, Codable {
    /// One line of the table.
    public struct Row: Sendable, Equatable, Codable {
        /// The centre, or `pooled`.
        public var centre: String
        public var samples: Int
        public var studies: Int
        public var positives: Int
        /// Area under the ROC curve; nil where one class is absent.
        public var area: Double?
        public var areaInterval: ConfidenceInterval?
        /// nil without positives. Compare it with the share of positives, which is that of a random score.
        public var averagePrecision: Double?
        public var averagePrecisionInterval: ConfidenceInterval?
        /// Correct among the positives, at `threshold`; nil without positives.
        public var sensitivity: Double?
        public var sensitivityInterval: ConfidenceInterval?
        /// Correct among the negatives, at `threshold`; nil without negatives.
        public var specificity: Double?
        public var specificityInterval: ConfidenceInterval?
    }

    /// What is scored: "bag", "image" …
    public var title: String
    /// Scores this high or higher are called positive.
    public var threshold: Double
    /// Centres by name, then `pooled` over all samples; empty where there is none.
    public var rows: [Row]

    public static let pooled = "pooled"

    /// Scores `samples`.
    ///
    /// The AUC's interval is DeLong's where each study has one sample, and else that of `bootstrap`; average precision
    /// always takes the bootstrap. Sensitivity and specificity take Wilson's, which regards samples as independent.
    /// Throws `EvaluationError` (`notANumber`, `invalidOption`).
    public init(
        title: String, samples: [ClassificationSample], threshold: Double = 0.5, bootstrap: StudyBootstrap = .init()
    ) throws {
        self.title = title
        self.threshold = threshold
        let centres = Dictionary(grouping: samples, by: \.centre)
        var rows = try centres.keys.sorted().map { centre in
            try Self.row(centre, centres[centre] ?? [], threshold, bootstrap)
        }
        if !samples.isEmpty { rows.append(try Self.row(Self.pooled, samples, threshold, bootstrap)) }
        self.rows = rows
    }

    /// The row over all centres; nil without samples.
    public var pooled: Row? { rows.last }

    /// The row over all samples alone, for who needs no centre's. Nil without samples; throws as the initialiser does.
    public static func pooledRow(
        of samples: [ClassificationSample], threshold: Double = 0.5, bootstrap: StudyBootstrap = .init()
    ) throws -> Row? {
        samples.isEmpty ? nil : try row(pooled, samples, threshold, bootstrap)
    }

    private static func row(
        _ centre: String, _ samples: [ClassificationSample], _ threshold: Double, _ bootstrap: StudyBootstrap
    ) throws -> Row {
        let scores = samples.map(\.score)
        let labels = samples.map(\.isPositive)
        let (area, averagePrecision) = try Ranking(scores: scores, isPositive: labels).areas()
        let studies = Set(samples.map { $0.centre + "\u{0}" + $0.study }).count
        let intervals = try bootstrap.intervals(of: samples)
        let positives = labels.count { $0 }
        let hits = samples.count { $0.isPositive && $0.score >= threshold }
        let rejections = samples.count { !$0.isPositive && $0.score < threshold }
        let negatives = samples.count - positives
        let confidence = bootstrap.confidence
        return Row(
            centre: centre, samples: samples.count, studies: studies, positives: positives,
            area: area,
            areaInterval: studies == samples.count
                ? try DeLongInterval.interval(scores: scores, isPositive: labels, confidence: confidence)
                : area == nil ? nil : intervals.area,
            averagePrecision: averagePrecision,
            averagePrecisionInterval: averagePrecision == nil ? nil : intervals.averagePrecision,
            sensitivity: positives > 0 ? Double(hits) / Double(positives) : nil,
            sensitivityInterval: .wilson(hits, of: positives, confidence: confidence),
            specificity: negatives > 0 ? Double(rejections) / Double(negatives) : nil,
            specificityInterval: .wilson(rejections, of: negatives, confidence: confidence))
    }

    /// A table for a terminal.
    public var table: String {
        let percent =
            rows.first.flatMap { $0.areaInterval ?? $0.sensitivityInterval }
            .map { " (\(Int(($0.confidence * 100).rounded())) %)" } ?? ""
        var lines = [
            [title, "studies", "samples", "positive", "AUC" + percent, "AP" + percent, "sensitivity", "specificity"]
        ]
        for row in rows {
            lines.append([
                row.centre, String(row.studies), String(row.samples), String(row.positives),
                TextTable.number(row.area, row.areaInterval),
                TextTable.number(row.averagePrecision, row.averagePrecisionInterval),
                TextTable.number(row.sensitivity), TextTable.number(row.specificity),
            ])
        }
        return TextTable.lines(lines)
    }
}
