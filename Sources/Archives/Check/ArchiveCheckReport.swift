/// What an archive holds and what is wrong with it, centre by centre.
public struct ArchiveCheckReport: Sendable, Hashable, Codable {
    public var centres: [Centre]

    public init(centres: [Centre]) { self.centres = centres }

    /// Issues of all centres, in their order.
    public var issues: [ArchiveIssue] { centres.flatMap(\.issues) }
    public var errorCount: Int { issues.filter { $0.severity == .error }.count }
    public var warningCount: Int { issues.count - errorCount }

    public struct Centre: Sendable, Hashable, Codable {
        public var name: String
        /// Studies that take part.
        public var studies: Int
        public var patients: Int
        /// Images that can be read, of the studies that take part.
        public var images: Int
        /// Studies with a report that is read.
        public var reports: Int
        /// Studies by split: `train`, `val`, `test`.
        public var splits: [String: Int]
        public var languages: [String: Int]
        /// Whether there is truth to evaluate against.
        public var hasTruth: Bool
        /// Masks that can be read.
        public var masks: Int
        /// What was taken for granted in reading its truth, with how often; nothing is wrong with it.
        public var notes: [String]
        public var issues: [ArchiveIssue]

        public init(
            name: String, studies: Int = 0, patients: Int = 0, images: Int = 0, reports: Int = 0,
            splits: [String: Int] = [:], languages: [String: Int] = [:], hasTruth: Bool = false,
            masks: Int = 0, notes: [String] = [], issues: [ArchiveIssue] = []
        ) {
            self.name = name
            self.studies = studies
            self.patients = patients
            self.images = images
            self.reports = reports
            self.splits = splits
            self.languages = languages
            self.hasTruth = hasTruth
            self.masks = masks
            self.notes = notes
            self.issues = issues
        }
    }
}
