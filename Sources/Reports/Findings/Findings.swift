/// What one colonoscopy report says about polyps.
///
/// The JSON names are those of `reports.jsonl`: `polyp`, `count`, `sites`, `max_size_mm`, `morphology`, and besides
/// them `confidence` and `evidence`. Null is written out: "not said" is not "absent".
public struct Findings: Sendable, Equatable {
    public var polyp: PolypStatus
    /// How many polyps; nil when the report gives no exact number or leaves open whether there is one.
    public var count: Int?
    /// Where they sit, each site once, from oral to aboral.
    public var sites: [Site]
    /// The largest extent said of any of them, in millimetres; a range by its upper end, a comparison is nil.
    public var maxSizeMillimetres: Double?
    /// The shapes said, each once.
    public var morphology: [PolypMorphology]
    /// How sure the extractor is of `polyp`, 0 to 1.
    public var confidence: Double
    /// The sentence on which `polyp` rests; nil when it rests on nothing being mentioned.
    public var evidence: EvidenceSpan?

    public init(
        polyp: PolypStatus, count: Int? = nil, sites: [Site] = [], maxSizeMillimetres: Double? = nil,
        morphology: [PolypMorphology] = [], confidence: Double, evidence: EvidenceSpan? = nil
    ) {
        self.polyp = polyp
        self.count = count
        self.sites = sites
        self.maxSizeMillimetres = maxSizeMillimetres
        self.morphology = morphology
        self.confidence = confidence
        self.evidence = evidence
    }
}

extension Findings: Codable {
    private enum CodingKeys: String, CodingKey {
        case polyp, count, sites, morphology, confidence, evidence
        case maxSizeMillimetres = "max_size_mm"
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(polyp, forKey: .polyp)
        try container.encode(count, forKey: .count)
        try container.encode(sites, forKey: .sites)
        try container.encode(maxSizeMillimetres, forKey: .maxSizeMillimetres)
        try container.encode(morphology, forKey: .morphology)
        try container.encode(confidence, forKey: .confidence)
        try container.encode(evidence, forKey: .evidence)
    }
}
