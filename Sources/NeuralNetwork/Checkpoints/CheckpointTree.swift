/// Finds the model's tensors in the tree of dicts that a training script saved.
enum CheckpointTree {
    struct Model {
        /// Names are the keys below the model's place, joined by dots.
        var tensors: [(name: String, tensor: TensorReference)] = []
        var leftOut: [String] = []
    }

    /// Keys under which scripts put the model, the most telling first.
    private static let modelKeys = [
        "state_dict", "model_state_dict", "model_state", "model", "net", "network", "weights", "params", "module",
    ]

    /// Keys whose tensors are never the model's.
    private static let otherKeys: Set = [
        "optimizer", "optimizer_state_dict", "optimizer_state", "optim", "optimiser", "scheduler", "lr_scheduler",
        "scheduler_state_dict", "lr_scheduler_state_dict", "scaler", "amp", "rng_state", "cuda_rng_state",
    ]

    /// The model's tensors: at `place` (keys joined by dots) if given; else the whole dict where it holds tensors
    /// itself; else below the first of `modelKeys`, again and again; else everything that is no optimiser's.
    static func model(in root: PickleValue, named place: String?) throws -> Model {
        var model = Model()
        var current = root
        var path = [String]()
        if let place {
            for key in place.split(separator: ".").map(String.init) {
                guard case .dictionary(let dictionary) = current,
                    let child = dictionary.pairs.first(where: { PickleWalk.label(of: $0.key) == key })?.value
                else {
                    throw ParameterError(
                        .malformedFile, "there is no '\(place)' in it; at '\(path.joined(separator: "."))' it has: "
                            + keys(of: current))
                }
                try leaveOut(siblingsOf: key, in: dictionary, at: path, from: &model)
                path.append(key)
                current = child
            }
        } else {
            while path.count < 8, case .dictionary(let dictionary) = current, !holdsTensors(dictionary),
                let key = try modelKeys.first(where: { try dictionary[$0].map(containsTensors) ?? false })
            {
                try leaveOut(siblingsOf: key, in: dictionary, at: path, from: &model)
                path.append(key)
                current = dictionary[key] ?? .none
            }
        }
        if case .tensor = current {
            throw ParameterError(.malformedFile, "it is a single tensor without a name")
        }
        try collect(current, below: path, into: &model)
        return model
    }

    private static func collect(_ value: PickleValue, below path: [String], into model: inout Model) throws {
        guard case .dictionary(let dictionary) = value else {
            model.leftOut.append("\(path.isEmpty ? "the file" : path.joined(separator: ".")): \(value.kind)")
            return
        }
        for (key, child) in dictionary.pairs {
            if let key = key.string, otherKeys.contains(key) {
                model.leftOut.append(try summary(of: child, at: path + [key]))
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
        var tensors = 0
        try PickleWalk.visit(value) { _, leaf in
            if case .tensor = leaf { tensors += 1 }
        }
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

    private static func holdsTensors(_ dictionary: PickleDictionary) -> Bool {
        dictionary.pairs.contains { if case .tensor = $0.value { true } else { false } }
    }

    private static func containsTensors(_ value: PickleValue) throws -> Bool {
        guard case .dictionary = value else { return false }
        var found = false
        try PickleWalk.visit(value) { _, leaf in
            if case .tensor = leaf { found = true }
        }
        return found
    }

    private static func keys(of value: PickleValue) -> String {
        guard case .dictionary(let dictionary) = value else { return value.kind }
        return dictionary.pairs.prefix(20).map { PickleWalk.label(of: $0.key) }.joined(separator: ", ")
    }
}
