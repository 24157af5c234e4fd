/// Gathers the tensors of a file and says what became of each.
struct CheckpointSelection {
    private let format: LoadedCheckpoint.Format
    private let options: Checkpoint.Options
    /// What the file says about itself.
    var metadata: [String: String] = [:]
    private var entries: [ParameterSet.Entry] = []
    private var leftOut: [String] = []
    private var counters = 0
    /// Tensors by the type they had in the file, for the notes.
    private var elements: [ElementType: Int] = [:]

    init(format: LoadedCheckpoint.Format, options: Checkpoint.Options) {
        self.format = format
        self.options = options
    }

    mutating func leaveOut(_ lines: [String]) { leftOut += lines }

    mutating func add(_ name: String, element: ElementType, shape: [Int], values: () throws -> [Float]) throws {
        // Batch-norm's count of batches serves only an averaging mode that no network here uses.
        if name == "num_batches_tracked" || name.hasSuffix(".num_batches_tracked") {
            counters += 1
            return
        }
        elements[element, default: 0] += 1
        entries.append(.init(name: name, shape: shape, values: try values()))
    }

    func checkpoint() throws -> LoadedCheckpoint {
        let (entries, leftOut, notes) = try finished()
        var checkpoint = LoadedCheckpoint(
            format: format, tensors: try ParameterSet(entries: entries), leftOut: leftOut, notes: notes)
        checkpoint.metadata = metadata
        return checkpoint
    }

    /// Of tensors whose values were not read.
    func outline() throws -> CheckpointOutline {
        CheckpointOutline(tensors: TensorShapes(try finished().entries), metadata: metadata)
    }

    private func finished() throws -> (entries: [ParameterSet.Entry], leftOut: [String], notes: [String]) {
        var entries = entries
        var notes = [String]()
        if let prefix = options.strippedPrefix, !prefix.isEmpty, !entries.isEmpty,
            entries.allSatisfy({ $0.name.hasPrefix(prefix) && $0.name.utf8.count > prefix.utf8.count })
        {
            for index in entries.indices { entries[index].name.removeFirst(prefix.count) }
            notes.append("the prefix \(prefix) was taken off all \(entries.count) names")
        }
        for (element, count) in elements.sorted(by: { $0.key.rawValue < $1.key.rawValue }) where element != .float32 {
            let effect = [.float64, .int64, .int32, .uint64, .uint32].contains(element) ? "rounded" : "widened"
            notes.append("\(count) tensors of type \(element.safetensorsName) were \(effect) to fp32")
        }
        var leftOut = leftOut
        if counters > 0 { leftOut.append("\(counters) × num_batches_tracked: counters of batch-norm") }
        guard !entries.isEmpty else {
            throw ParameterError(
                .malformedFile,
                "no tensor was found in it" + (leftOut.isEmpty ? "" : ", only: " + leftOut.joined(separator: "; ")))
        }
        return (entries, leftOut, notes)
    }
}
