/// Compares this room's measures with those of the reference libraries (golden file `metrics`).
public enum MetricsGolden {
    /// A tensor of the golden file.
    public typealias Tensor = (shape: [Int], values: [Double])
    /// One comparison.
    public typealias Comparison = (name: String, absoluteError: Double, tolerance: Double, passed: Bool)

    public static let tolerance = 1e-6

    /// Computes every number of the file from its maps, labels and scores, and compares; sorted by name.
    ///
    /// Throws `EvaluationError.malformedGolden` when maps are missing or a number has a name that is not known here.
    public static func check(tensors: [String: Tensor]) throws -> [Comparison] {
        var results = [Comparison]()
        var scores = [String: SegmentationScore]()
        var expected = [String: [String: Double]]()
        for (name, tensor) in tensors {
            let parts = name.split(separator: ".", maxSplits: 1).map(String.init)
            guard parts.count == 2 else { throw malformed("a tensor called \(name)") }
            if ["pred", "gt", "labels", "scores"].contains(parts[1]) { continue }
            guard tensor.values.count == 1, let value = tensor.values.first else {
                throw malformed("\(name) should be one number, but has \(tensor.values.count)")
            }
            expected[parts[0], default: [:]][parts[1]] = value
        }
        guard !expected.isEmpty else { throw malformed("no number to compare with") }

        func compare(_ group: String, _ computed: [String: Double]) throws {
            for (measure, value) in expected[group] ?? [:] {
                guard let own = computed[measure] else { throw malformed("the measure \(group).\(measure) is not known") }
                let error = abs(own - value)
                results.append(("\(group).\(measure)", error, tolerance, error <= tolerance))
            }
        }

        for group in expected.keys.sorted() where group.hasPrefix("case") {
            let maps = try maps(of: group, in: tensors)
            let score = try SegmentationScore(
                prediction: maps.prediction, truth: maps.truth, width: maps.width, height: maps.height)
            scores[group] = score
            var computed = Dictionary(uniqueKeysWithValues: SegmentationSummary(score).measures.map { ($0.name, $0.value) })
            let binary = try BinaryMaskScore(
                prediction: maps.prediction, truth: maps.truth, width: maps.width, height: maps.height)
            computed["binary_dice"] = binary.dice
            computed["binary_iou"] = binary.intersectionOverUnion
            computed["hd95"] = binary.hausdorff95
            try compare(group, computed)
        }
        for group in expected.keys.sorted() where group.hasPrefix("dataset") {
            var summary = SegmentationSummary()
            for digit in group.dropFirst("dataset".count) {
                guard let score = scores["case\(digit)"] else { throw malformed("\(group) needs case\(digit)") }
                summary.add(score)
            }
            try compare(group, Dictionary(uniqueKeysWithValues: summary.measures.map { ($0.name, $0.value) }))
        }
        if expected["auc"] != nil {
            guard let labels = tensors["auc.labels"], let values = tensors["auc.scores"] else {
                throw malformed("auc.labels or auc.scores is missing")
            }
            let curve = try ROCCurve(scores: values.values, isPositive: labels.values.map { $0 > 0.5 })
            try compare("auc", ["roc_auc": curve.area ?? .nan, "average_precision": curve.averagePrecision ?? .nan])
        }
        let covered = Set(results.map(\.name))
        for (group, measures) in expected {
            for measure in measures.keys where !covered.contains("\(group).\(measure)") {
                throw malformed("the measure \(group).\(measure) is not known")
            }
        }
        return results.sorted { $0.name < $1.name }
    }

    private static func maps(
        of group: String, in tensors: [String: Tensor]
    ) throws -> (prediction: [UInt8], truth: [UInt8], width: Int, height: Int) {
        guard let prediction = tensors[group + ".pred"], let truth = tensors[group + ".gt"] else {
            throw malformed("\(group).pred or \(group).gt is missing")
        }
        guard prediction.shape.count == 2, prediction.shape == truth.shape else {
            throw malformed("\(group): prediction \(prediction.shape) and truth \(truth.shape) are not two equal maps")
        }
        func bytes(_ values: [Double]) throws -> [UInt8] {
            try values.map { value in
                guard let byte = UInt8(exactly: value) else { throw malformed("\(group) has the value \(value): not 8-bit") }
                return byte
            }
        }
        return (try bytes(prediction.values), try bytes(truth.values), prediction.shape[1], prediction.shape[0])
    }

    private static func malformed(_ what: String) -> EvaluationError {
        EvaluationError(.malformedGolden, "the golden file for metrics: \(what)")
    }
}
