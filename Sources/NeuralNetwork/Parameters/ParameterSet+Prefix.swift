extension ParameterSet {
    /// The tensors whose names begin with `prefix`, which is taken off: a part of a larger network under its own names.
    package func below(_ prefix: String) throws -> ParameterSet {
        try ParameterSet(
            entries: entries.filter { $0.name.hasPrefix(prefix) }.map {
                Entry(name: String($0.name.dropFirst(prefix.count)), shape: $0.shape, values: $0.values)
            })
    }

    /// The same tensors with `prefix` before their names: as a part of a larger network.
    package func prefixed(_ prefix: String) throws -> ParameterSet {
        try ParameterSet(entries: entries.map { Entry(name: prefix + $0.name, shape: $0.shape, values: $0.values) })
    }
}
