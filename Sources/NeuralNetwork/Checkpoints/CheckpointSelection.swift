/// Gathers the tensors of a file and says what became of each.
struct CheckpointSelection {
    private let format: LoadedCheckpoint.Format
    private let options: Checkpoint.Options
    /// What the file says about itself.
    var metadata: [String: String] = [:]
    private var entries: [ParameterSet.Entry] = []
    private var leftOut: [String] = []
    /// With what the names begin that are wanted; it is taken off them.
    var prefix = ""
    private var besides = 0
    private var counters = 0
    private var notes: [String] = []
    /// Tensors whose numbers no network can use, by name.
    private var faults: [NumberFault] = []
    /// Tensors by the type they had in the file, for the notes.
    private var elements: [ElementType: Int] = [:]

    init(format: LoadedCheckpoint.Format, options: Checkpoint.Options) {
        self.format = format
        self.options = options
    }

    mutating func leaveOut(_ lines: [String]) { leftOut += lines }

    mutating func say(_ lines: [String]) { notes += lines }

    /// - Parameter keepsValues: false where the numbers are only looked at.
    mutating func add(
        _ name: String, element: ElementType, shape: [Int], keepsValues: Bool = true, values: () throws -> [Float]
    ) throws {
        guard name.hasPrefix(prefix), name.utf8.count > prefix.utf8.count else {
            besides += 1
            return
        }
        let name = String(name.dropFirst(prefix.count))
        // Batch-norm's count of batches serves only an averaging mode that no network here uses.
        if name == "num_batches_tracked" || name.hasSuffix(".num_batches_tracked") {
            counters += 1
            return
        }
        elements[element, default: 0] += 1
        let numbers = try values()
        if let fault = NumberFault(of: numbers, called: name) { faults.append(fault) }
        entries.append(.init(name: name, shape: shape, values: keepsValues ? numbers : []))
    }

    func checkpoint() throws -> LoadedCheckpoint {
        let (entries, leftOut, notes, faults) = try finished()
        var checkpoint = LoadedCheckpoint(
            format: format, tensors: try ParameterSet(entries: entries), leftOut: leftOut, notes: notes)
        checkpoint.metadata = metadata
        checkpoint.faults = faults
        return checkpoint
    }

    /// Of tensors whose values were not read.
    func outline() throws -> CheckpointOutline {
        let (entries, _, notes, faults) = try finished()
        return CheckpointOutline(tensors: TensorShapes(entries), metadata: metadata, faults: faults, notes: notes)
    }

    private func finished() throws -> (
        entries: [ParameterSet.Entry], leftOut: [String], notes: [String], faults: [NumberFault]
    ) {
        var (entries, faults, notes) = (entries, faults, notes)
        if options.strippedPrefix != nil, let unwrapped = Self.unwrapped(entries.map(\.name)) {
            let names = Dictionary(zip(entries.map(\.name), unwrapped)) { first, _ in first }
            for index in entries.indices { entries[index].name = unwrapped[index] }
            for index in faults.indices { faults[index].name = names[faults[index].name] ?? faults[index].name }
            notes.append(
                "names were read without \(Self.wrappers.sorted().joined(separator: ", ")), as torch.compile and the like write them")
        }
        if let prefix = options.strippedPrefix, !prefix.isEmpty, !entries.isEmpty,
            entries.allSatisfy({ $0.name.hasPrefix(prefix) && $0.name.utf8.count > prefix.utf8.count })
        {
            for index in entries.indices { entries[index].name.removeFirst(prefix.count) }
            for index in faults.indices { faults[index].name.removeFirst(prefix.count) }
            notes.append("the prefix \(prefix) was taken off all \(entries.count) names")
        }
        for (element, count) in elements.sorted(by: { $0.key.rawValue < $1.key.rawValue }) where element != .float32 {
            let effect = [.float64, .int64, .int32, .uint64, .uint32].contains(element) ? "rounded" : "widened"
            notes.append("\(count) tensors of type \(element.safetensorsName) were \(effect) to fp32")
        }
        var leftOut = leftOut
        if besides > 0 { leftOut.append("\(besides) tensors whose names do not begin with \(prefix)") }
        if counters > 0 { leftOut.append("\(counters) × num_batches_tracked: counters of batch-norm") }
        guard !entries.isEmpty else {
            throw ParameterError(
                .malformedFile,
                "no tensor was found in it" + (leftOut.isEmpty ? "" : ", only: " + leftOut.joined(separator: "; ")))
        }
        return (entries, leftOut, notes, faults)
    }

    /// What torch puts into names where it wraps a module, and no module is called by.
    private static let wrappers: Set<Substring> = [
        "_orig_mod", "_fsdp_wrapped_module", "_checkpoint_wrapped_module", "_forward_module",
    ]

    /// The names without `wrappers`; nil where none has any, or two would become one.
    private static func unwrapped(_ names: [String]) -> [String]? {
        guard names.contains(where: { name in wrappers.contains { name.contains($0) } }) else { return nil }
        let shorter = names.map { name in
            name.split(separator: ".", omittingEmptySubsequences: false).filter { !wrappers.contains($0) }.joined(separator: ".")
        }
        return shorter != names && Set(shorter).count == names.count ? shorter : nil
    }
}
