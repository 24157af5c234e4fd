/// Something with parameters: a layer, or a network of layers.
public protocol Module: AnyObject {
    /// Calls `body` with each parameter and its name in the reference, always in the same order.
    func forEachParameter(_ prefix: String, _ body: (String, Parameter) throws -> Void) rethrows
}

extension Module {
    /// All learnt parameters, in the order of the network.
    public var learnt: [Parameter] {
        var found: [Parameter] = []
        forEachParameter("") { _, parameter in if !parameter.isBuffer { found.append(parameter) } }
        return found
    }

    /// A copy of all parameters and buffers, named and laid out as in the reference.
    ///
    /// Throws `ParameterError` where two layers have one name.
    public func parameters() throws -> ParameterSet {
        var entries: [ParameterSet.Entry] = []
        forEachParameter("") { name, parameter in
            entries.append(ParameterSet.Entry(name: name, shape: parameter.shape, values: parameter.values))
        }
        return try ParameterSet(entries: entries)
    }

    /// Takes over the values of `set`. Counters of batches (`num_batches_tracked`) are passed over.
    ///
    /// Throws `ParameterError.missingTensors` that lists every missing, extra and misshapen tensor; nothing has
    /// been changed then.
    public func load(_ set: ParameterSet) throws {
        var wanted: [String: Parameter] = [:]
        forEachParameter("") { name, parameter in wanted[name] = parameter }
        var faults: [String] = []
        for name in wanted.keys.sorted() {
            guard let parameter = wanted[name] else { continue }
            guard let entry = set[name] else {
                faults.append("\(name) is missing")
                continue
            }
            if entry.shape != parameter.shape {
                faults.append("\(name) is \(entry.shape) where \(parameter.shape) is wanted")
            }
        }
        let extra = set.entries.filter { wanted[$0.name] == nil && !$0.name.hasSuffix("num_batches_tracked") }
        faults += extra.map { "\($0.name) \($0.shape) belongs to no layer" }
        guard faults.isEmpty else {
            throw ParameterError(
                .missingTensors,
                "the parameters do not fit the network (\(faults.count) tensors): " + faults.joined(separator: "; "))
        }
        for entry in set.entries {
            guard let parameter = wanted[entry.name] else { continue }
            parameter.update { values in
                for (index, value) in entry.values.enumerated() { values[index] = value }
            }
        }
    }

    /// Forgets all gradients.
    public func clearGradients() {
        forEachParameter("") { _, parameter in parameter.clearGradient() }
    }
}

/// "layer1" and "0" make "layer1.0"; an empty prefix leaves the name as it is.
public func joinedName(_ prefix: String, _ name: String) -> String {
    prefix.isEmpty ? name : prefix + "." + name
}
