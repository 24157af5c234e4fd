/// Finds the model's tensors in the tree of dicts that a training script saved.
enum CheckpointTree {
    struct Model {
        /// Names are the keys below the model's place, joined by dots.
        var tensors: [(name: String, tensor: TensorReference)] = []
        /// With what the wanted names among them begin.
        var prefix = ""
        var leftOut: [String] = []
        var notes: [String] = []
    }

    /// Keys under which scripts put the model, the most telling first; its moving average where there is nothing else.
    private static let modelKeys = [
        "state_dict", "model_state_dict", "model_state", "model", "net", "network", "net_state_dict", "model_weights", "weights",
        "params", "module", "state_dict_ema", "model_ema", "model_ema_state_dict", "ema_state_dict", "ema_model", "params_ema",
        "ema",
    ]

    /// Keys whose tensors are never the model's.
    private static let otherKeys: Set = [
        "optimizer", "optimizer_state_dict", "optimizer_state", "optimizer_states", "optim", "optimiser", "scheduler",
        "lr_scheduler", "lr_schedulers", "scheduler_state_dict", "lr_scheduler_state_dict", "scaler", "amp", "rng_state",
        "cuda_rng_state",
    ]

    /// The model's tensors: at `place` (keys joined by dots) if given; else the whole dict where it holds tensors
    /// itself; else below the first of `modelKeys`, again and again; else everything that is no optimiser's.
    ///
    /// Throws `ParameterError.ambiguous` where another key holds tensors just like the model's that are no moving average.
    static func model(in root: PickleValue, named place: String?) throws -> Model {
        var model = Model()
        var current = root
        var path = [String]()
        if let place {
            var keys = place.split(separator: ".").map(String.init)[...]
            while let key = keys.first {
                let dictionary = current.dictionary
                guard let child = dictionary?.pairs.first(where: { PickleWalk.label(of: $0.key) == key })?.value else {
                    // What is left may be how the names of one flat dict begin.
                    let rest = keys.joined(separator: ".")
                    model.prefix = rest.hasSuffix("_") ? rest : rest + "."
                    guard dictionary?.pairs.contains(where: { $0.key.string?.hasPrefix(model.prefix) ?? false }) ?? false else {
                        throw ParameterError(
                            .malformedFile,
                            "there is no '\(place)' in it; at '\(path.joined(separator: "."))' it has: "
                                + self.keys(of: current))
                    }
                    break
                }
                if let dictionary { try leaveOut(siblingsOf: key, in: dictionary, at: path, from: &model) }
                path.append(key)
                current = child
                keys.removeFirst()
            }
        } else {
            while path.count < 8, let dictionary = current.dictionary, let key = try modelKey(of: dictionary) {
                try look(atSiblingsOf: key, in: dictionary, at: path, for: &model)
                try leaveOut(siblingsOf: key, in: dictionary, at: path, from: &model)
                path.append(key)
                current = dictionary[key] ?? .none
            }
        }
        if case .tensor = current {
            throw ParameterError(.malformedFile, "it is a single tensor without a name")
        }
        try collect(current, below: path, into: &model)
        guard model.tensors.isEmpty, case .object(let object) = current else { return model }
        throw ParameterError(
            .refusedCode,
            "it is an object of \(object.name) as Python keeps it, which is not made here: save its tensors alone, "
                + "torch.save(model.state_dict(), path)")
    }

    /// Says which of two copies is taken; refuses to choose where none is the other's moving average.
    private static func look(
        atSiblingsOf key: String, in dictionary: PickleDictionary, at path: [String], for model: inout Model
    ) throws {
        guard let taken = dictionary[key] else { return }
        let shapes = try shapes(in: taken)
        func place(_ key: String) -> String { (path + [key]).joined(separator: ".") }
        for (other, value) in dictionary.pairs {
            guard let other = other.string, other != key, !otherKeys.contains(other), try containsTensors(value) else { continue }
            if AveragedWeights.isName(other), !AveragedWeights.isName(key) {
                model.notes.append("the weights under \(place(key)) were taken, not their moving average under \(place(other))")
            } else if try self.shapes(in: value) == shapes {
                throw ParameterError.ambiguous(between: [place(key), place(other)])
            }
        }
        if AveragedWeights.isName(key) {
            model.notes.append("the moving average under \(place(key)) was taken: other weights are not in the file")
        }
    }

    /// Shapes by what the names end in: a copy may be wrapped once more.
    private static func shapes(in value: PickleValue) throws -> [String: [Int]] {
        var found: [String: [Int]] = [:]
        try PickleWalk.visit(value) { path, leaf in
            if case .tensor(let tensor) = leaf { found[path.joined(separator: ".")] = tensor.shape }
        }
        guard let first = found.keys.first?.prefix(while: { $0 != "." }), found.keys.allSatisfy({ $0.hasPrefix(first + ".") })
        else { return found }
        return Dictionary(found.map { (String($0.key.dropFirst(first.count + 1)), $0.value) }) { first, _ in first }
    }

    private static func collect(_ value: PickleValue, below path: [String], into model: inout Model) throws {
        guard let dictionary = value.dictionary else {
            model.leftOut.append("\(path.isEmpty ? "the file" : path.joined(separator: ".")): \(value.kind)")
            return
        }
        for (key, child) in dictionary.pairs {
            let isOther = key.string.map(otherKeys.contains) ?? false
            if try isOther || tensorCount(in: child) == 0 {
                model.leftOut.append(try summary(of: child, at: path + [PickleWalk.label(of: key)]))
                continue
            }
            try PickleWalk.visit(child, at: [PickleWalk.label(of: key)]) { names, leaf in
                if case .tensor(let tensor) = leaf {
                    model.tensors.append((names.joined(separator: "."), tensor))
                } else {
                    model.leftOut.append("\((path + names).joined(separator: ".")): \(shown(leaf))")
                }
            }
        }
    }

    private static func leaveOut(
        siblingsOf key: String, in dictionary: PickleDictionary, at path: [String], from model: inout Model
    ) throws {
        for (other, value) in dictionary.pairs where PickleWalk.label(of: other) != key {
            model.leftOut.append(try summary(of: value, at: path + [PickleWalk.label(of: other)]))
        }
    }

    /// One line for a whole subtree.
    private static func summary(of value: PickleValue, at path: [String]) throws -> String {
        let tensors = try tensorCount(in: value)
        let place = path.joined(separator: ".")
        return tensors > 0 ? "\(place): \(value.kind) with \(tensors) tensors" : "\(place): \(shown(value))"
    }

    private static func shown(_ value: PickleValue) -> String {
        switch value {
        case .bool(let value): String(value)
        case .integer(let value): String(value)
        case .float(let value): String(value)
        default: value.kind
        }
    }

    /// The first of `modelKeys` under which more tensors lie than beside it: a state of random numbers may do so.
    private static func modelKey(of dictionary: PickleDictionary) throws -> String? {
        let own = dictionary.pairs.count { if case .tensor = $0.value { true } else { false } }
        return try modelKeys.first { key in
            guard let value = dictionary[key], value.dictionary != nil else { return false }
            return try tensorCount(in: value) > own
        }
    }

    private static func containsTensors(_ value: PickleValue) throws -> Bool {
        try value.dictionary != nil && tensorCount(in: value) > 0
    }

    private static func tensorCount(in value: PickleValue) throws -> Int {
        var count = 0
        try PickleWalk.visit(value) { _, leaf in
            if case .tensor = leaf { count += 1 }
        }
        return count
    }

    private static func keys(of value: PickleValue) -> String {
        guard let dictionary = value.dictionary else { return value.kind }
        return dictionary.pairs.prefix(20).map { PickleWalk.label(of: $0.key) }.joined(separator: ", ")
    }
}
