/// What a pruning took away, or would.
public struct PruneReport: Codable, Sendable {
    public struct PrunedJob: Codable, Sendable {
        public var id: JobID
        public var archive: String
        public var state: Job.State
        public var shards: Int
    }

    public var jobs: [PrunedJob]
    /// Contents (parameters, deltas, masks) that nothing names without those jobs.
    public var contents: Int
    public var contentBytes: Int64
    /// The database's size on its disk before, and after what was freed was given back.
    public var databaseBytesBefore: Int64
    public var databaseBytesAfter: Int64
}

/// Which jobs a pruning takes.
public struct PruneSelection: Sendable {
    public var jobs: [JobID]
    /// All that ended longer ago than this.
    public var endedBefore: Duration?
    /// Whether the jobs go altogether, with their final models and evaluations.
    public var takesModels: Bool

    public init(jobs: [JobID] = [], endedBefore: Duration? = nil, takesModels: Bool = false) {
        self.jobs = jobs
        self.endedBefore = endedBefore
        self.takesModels = takesModels
    }
}
