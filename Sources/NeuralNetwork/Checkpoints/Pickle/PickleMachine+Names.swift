extension PickleMachine {
    /// `name` itself when tensors and containers need it, or when it is read over; else it is refused.
    static func allowed(_ name: PickleName) throws -> PickleName {
        guard
            builders.contains(name) || element(of: name) != nil || isStorage(name) || isInert(name)
                || PickleTrust.mayName(name)
        else { throw refusal(name) }
        return name
    }

    private static func refusal(_ name: PickleName) -> ParameterError {
        ParameterError(
            .refusedCode,
            "the pickle asks for \(name), which is none of the names that rebuild tensors; it was not called. "
                + "If you trust the file, save its tensors alone: torch.save(model.state_dict(), path)")
    }

    /// What `name.__new__(name, *arguments)` would be.
    func instance(of name: PickleName, from arguments: [PickleValue]) throws -> PickleValue {
        if Self.builders.contains(name) { return try build(name, from: arguments) }
        return try readOver(name, PickleTrust.mayName(name))
    }

    private func readOver(_ name: PickleName, _ isAllowed: Bool) throws -> PickleValue {
        guard isAllowed else { throw Self.refusal(name) }
        return .object(arena.object(name))
    }

    /// What `name(*arguments)` would be in Python.
    func build(_ name: PickleName, from arguments: [PickleValue]) throws -> PickleValue {
        switch (name.module, name.name) {
        case ("torch._utils", "_rebuild_tensor"), ("torch._utils", "_rebuild_tensor_v2"):
            return .tensor(try Self.tensor(from: arguments, element: nil))
        case ("torch._utils", "_rebuild_tensor_v3"):
            guard arguments.count >= 7, case .name(let type) = arguments[6], let element = Self.element(of: type) else {
                throw ParameterError(
                    .unsupportedElement, "a tensor of \(arguments.count > 6 ? arguments[6].kind : "unknown type")")
            }
            return .tensor(try Self.tensor(from: arguments, element: element))
        case ("torch._utils", "_rebuild_parameter"), ("torch._utils", "_rebuild_parameter_with_state"):
            guard case .tensor(let tensor)? = arguments.first else {
                throw ParameterError(.malformedFile, "a parameter that is no tensor")
            }
            return .tensor(tensor)
        case ("torch._tensor", "_rebuild_from_type_v2"):
            // A subclass of tensor: what rebuilds the tensor, the class, its arguments, its state.
            guard arguments.count >= 3, case .name(let builder) = arguments[0], builder.module == "torch._utils",
                let parts = arguments[2].sequence
            else {
                throw ParameterError(.malformedFile, "a subclass of tensor that is malformed")
            }
            return try build(builder, from: parts)
        case ("collections", "defaultdict"): return .dictionary(arena.dictionary())
        case ("collections", "OrderedDict"), ("collections", "Counter"):
            return .dictionary(try dictionary(from: arguments))
        case ("builtins", "set"), ("__builtin__", "set"):
            guard case .list(let list)? = arguments.first else { return .list(arena.list()) }
            return .list(list)
        case ("torch", "Size"):
            guard case .tuple(let tuple)? = arguments.first else { return .tuple(arena.list()) }
            return .tuple(tuple)
        case ("torch", "device"):
            return .string(arguments.first?.string ?? "device")
        case ("copyreg", _), ("copy_reg", _), ("builtins", "getattr"), ("__builtin__", "getattr"):
            // An object by its class: with its state where that is a dict, or a constant of an enumeration.
            let made: PickleObject
            switch arguments.first {
            case .name(let owner)? where PickleTrust.mayName(owner) || Self.builders.contains(owner):
                made = arena.object(owner)
            case .object(let owner)? where name.name == "getattr": made = arena.object(owner.name)
            default: throw Self.refusal(name)
            }
            if arguments.count > 2, let pairs = arguments[2].dictionary?.pairs {
                for (key, value) in pairs { arena.pairs(of: made).set(key, to: value) }
            }
            return .object(made)
        case ("_codecs", "encode"):
            // How protocol 2 writes bytes.
            return .bytes([])
        case ("numpy.core.multiarray", let function), ("numpy._core.multiarray", let function):
            return try readOver(
                PickleName(module: "numpy", name: function == "scalar" ? "generic" : "ndarray"), PickleTrust.mayCall(name))
        default: return try readOver(name, PickleTrust.mayCall(name))
        }
    }

    /// The storage that a persistent id stands for:
    /// ('storage', type, key, location, count) and, in the older format, a view of another one.
    static func storage(from id: PickleValue) throws -> StorageReference {
        guard let parts = id.sequence, parts.count >= 5, parts[0].string == "storage",
            case .name(let type) = parts[1], isStorage(type), let key = parts[2].string ?? parts[2].integer.map(String.init),
            let count = parts[4].integer, count >= 0
        else {
            throw ParameterError(.malformedFile, "a persistent id that is no storage: \(id.kind)")
        }
        var storage = StorageReference(key: key, element: storageElement(type), count: count)
        guard storage.element != nil || type.name == "UntypedStorage" else {
            throw ParameterError(.unsupportedElement, "a storage of type \(type): its numbers are not read here")
        }
        if parts.count >= 6, let view = parts[5].sequence {
            guard view.count == 3, let offset = view[1].integer, let size = view[2].integer, offset >= 0, size >= 0 else {
                throw ParameterError(.malformedFile, "a storage whose view is malformed")
            }
            storage.viewOffset = offset
            storage.count = size
        }
        return storage
    }

    private static func tensor(from arguments: [PickleValue], element: ElementType?) throws -> TensorReference {
        guard arguments.count >= 4, case .storage(let storage) = arguments[0], let offset = arguments[1].integer,
            let shape = arguments[2].integers, let strides = arguments[3].integers,
            offset >= 0, shape.count == strides.count, strides.allSatisfy({ $0 >= 0 }),
            ParameterSet.elementCount(of: shape) != nil
        else {
            throw ParameterError(.malformedFile, "a tensor whose storage, shape or strides are malformed")
        }
        guard let element = element ?? storage.element else {
            throw ParameterError(.malformedFile, "a tensor without a type of element")
        }
        return TensorReference(storage: storage, element: element, offset: offset, shape: shape, strides: strides)
    }

    private func dictionary(from arguments: [PickleValue]) throws -> PickleDictionary {
        switch arguments.first {
        case nil: return arena.dictionary()
        // The argument was made for this call alone.
        case .dictionary(let dictionary)?: return dictionary
        case let other?:
            // Python 2 pickled an OrderedDict as a list of pairs.
            guard let pairs = other.sequence?.map(\.sequence), pairs.allSatisfy({ $0?.count == 2 }) else {
                throw ParameterError(.malformedFile, "an OrderedDict from \(other.kind)")
            }
            let dictionary = arena.dictionary()
            for case let pair? in pairs { dictionary.set(pair[0], to: pair[1]) }
            return dictionary
        }
    }

    private static let builders: Set<PickleName> = Set([
        PickleName(module: "torch._utils", name: "_rebuild_tensor"),
        PickleName(module: "torch._utils", name: "_rebuild_tensor_v2"),
        PickleName(module: "torch._utils", name: "_rebuild_tensor_v3"),
        PickleName(module: "torch._utils", name: "_rebuild_parameter"),
        PickleName(module: "torch._utils", name: "_rebuild_parameter_with_state"),
        PickleName(module: "torch._tensor", name: "_rebuild_from_type_v2"),
        PickleName(module: "collections", name: "defaultdict"),
        PickleName(module: "collections", name: "OrderedDict"),
        PickleName(module: "collections", name: "Counter"),
        PickleName(module: "builtins", name: "set"),
        PickleName(module: "__builtin__", name: "set"),
        PickleName(module: "torch", name: "Size"),
        PickleName(module: "torch", name: "device"),
    ])

    /// Values without content of interest: types of element that are named, but whose numbers are not read here.
    private static func isInert(_ name: PickleName) -> Bool {
        name.module == "torch" && ["complex64", "complex128", "strided", "contiguous_format"].contains(name.name)
    }

    private static func isStorage(_ name: PickleName) -> Bool {
        ["torch", "torch.storage", "torch.cuda"].contains(name.module) && name.name.hasSuffix("Storage")
    }

    private static func storageElement(_ name: PickleName) -> ElementType? {
        switch name.name {
        case "FloatStorage": .float32
        case "HalfStorage": .float16
        case "BFloat16Storage": .bfloat16
        case "DoubleStorage": .float64
        case "LongStorage": .int64
        case "IntStorage": .int32
        case "ShortStorage": .int16
        case "CharStorage": .int8
        case "ByteStorage": .uint8
        case "BoolStorage": .bool
        default: nil
        }
    }

    /// The type of element that a `torch.dtype` names.
    private static func element(of name: PickleName) -> ElementType? {
        guard name.module == "torch" else { return nil }
        return switch name.name {
        case "float32", "float": .float32
        case "float16", "half": .float16
        case "bfloat16": .bfloat16
        case "float64", "double": .float64
        case "int64", "long": .int64
        case "int32", "int": .int32
        case "int16", "short": .int16
        case "int8": .int8
        case "uint8": .uint8
        case "uint16": .uint16
        case "uint32": .uint32
        case "uint64": .uint64
        case "bool": .bool
        default: nil
        }
    }
}
