/// Finds copies of pictures among many.
///
/// Every picture of one side is compared with every one of the other by 64 bits of their codes, for each window either may
/// have been cropped to; few pairs pass to all 256 bits, and few of these to `CopyLikeness`. A picture takes 4.8 KB.
public struct CopySearch: Sendable {
    /// At least so alike are copies.
    public static let leastLikeness: Float = 0.72
    /// Bits of 256 in which codes of copies may differ at most.
    static let greatestDistance = 68
    /// Bits of the first 64 that may differ: a quarter of the above, and one standard deviation of what chance adds.
    static let greatestWordDistance = 21

    /// A picture that was found.
    public struct Match: Sendable, Equatable {
        /// Its place among those that were added.
        public var index: Int
        /// −1 to 1.
        public var likeness: Float
    }

    private var details: [[Int8]] = []
    /// The first words of the whole pictures' codes, and of all windows' codes but the whole's, picture after picture.
    private var wholeFirsts: [UInt64] = []
    private var windowFirsts: [UInt64] = []
    private var codes: [UInt64] = []

    public init() {}

    public var count: Int { details.count }

    public mutating func add(_ fingerprint: ImageFingerprint) {
        let words = ImageFingerprint.wordsPerCode
        details.append(fingerprint.detail)
        codes += fingerprint.codes
        wholeFirsts.append(fingerprint.codes[0])
        for window in 1..<Window.all.count { windowFirsts.append(fingerprint.codes[window * words]) }
    }

    /// All that are copies of a picture, or of which it is one, most alike first.
    public func matches(of query: ImageFingerprint, atLeast least: Float = CopySearch.leastLikeness) -> [Match] {
        candidates(of: query).compactMap { candidate -> Match? in
            let detail = details[candidate.index]
            let likeness =
                candidate.isQueryLarger
                ? CopyLikeness.of(detail, within: query.detail, near: candidate.window)
                : CopyLikeness.of(query.detail, within: detail, near: candidate.window)
            return likeness >= least ? Match(index: candidate.index, likeness: likeness) : nil
        }.sorted { $0.likeness == $1.likeness ? $0.index < $1.index : $0.likeness > $1.likeness }
    }

    private struct Candidate {
        var index: Int
        var distance: Int
        var window: Window
        /// Whether the window is the query's, and what was added a crop of it.
        var isQueryLarger: Bool
    }

    /// Pictures with a near code, each with its nearest window.
    private func candidates(of query: ImageFingerprint) -> [Candidate] {
        let (words, windows) = (ImageFingerprint.wordsPerCode, Window.all.count)
        let queryFirsts = (0..<windows).map { query.codes[$0 * words] }
        let queryWhole = query.codes[0]
        var found: [Candidate] = []
        wholeFirsts.withUnsafeBufferPointer { wholeFirsts in
            windowFirsts.withUnsafeBufferPointer { windowFirsts in
                queryFirsts.withUnsafeBufferPointer { queryFirsts in
                    for index in wholeFirsts.indices {
                        let first = wholeFirsts[index]
                        let start = index * (windows - 1)
                        var least = Int.max
                        for window in 0..<windows { least = min(least, (queryFirsts[window] ^ first).nonzeroBitCount) }
                        for place in start..<start + windows - 1 { least = min(least, (queryWhole ^ windowFirsts[place]).nonzeroBitCount) }
                        guard least <= Self.greatestWordDistance else { continue }
                        if let candidate = nearest(index, to: query) { found.append(candidate) }
                    }
                }
            }
        }
        return found
    }

    /// By all 256 bits, of the windows whose first 64 are near: the query's, then the picture's own but the whole.
    private func nearest(_ index: Int, to query: ImageFingerprint) -> Candidate? {
        let (words, windows) = (ImageFingerprint.wordsPerCode, Window.all.count)
        let own = index * windows * words
        var best: Candidate?
        for place in 0..<2 * windows - 1 {
            let isQueryLarger = place < windows
            let window = isQueryLarger ? place : place - windows + 1
            let (mine, its) = isQueryLarger ? (window * words, own) : (0, own + window * words)
            var distance = (query.codes[mine] ^ codes[its]).nonzeroBitCount
            guard distance <= Self.greatestWordDistance else { continue }
            for word in 1..<words { distance += (query.codes[mine + word] ^ codes[its + word]).nonzeroBitCount }
            guard distance <= Self.greatestDistance, distance < best?.distance ?? .max else { continue }
            best = Candidate(index: index, distance: distance, window: Window.all[window], isQueryLarger: isQueryLarger)
        }
        return best
    }
}
