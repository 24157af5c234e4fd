/// A restricted unpickler: Python's stack machine of protocols 0 to 5, without the power to call anything.
///
/// Numbers, strings, tuples, lists, dicts and tensors are built. Objects of other classes are read over and keep nothing
/// but their name (`PickleTrust`); a name that could do harm in Python ends the reading with an error that says it.
/// Nothing is ever imported or executed.
struct PickleMachine {
    /// The bytes, and where the next opcode lies.
    private var source: PickleSource
    private var stack: [PickleValue] = []
    /// Where each open mark lies on the stack.
    private var marks: [Int] = []
    private var memo: [Int: PickleValue] = [:]
    /// Owns the containers; whoever looks at what `load` returned keeps it alive.
    let arena = PickleArena()
    /// Of every storage that was named so far, by its key: the bytes an element takes.
    private(set) var storageElementSizes: [String: Int] = [:]

    init(_ bytes: UnsafeRawBufferPointer, from position: Int = 0) {
        source = PickleSource(bytes, position: position)
    }

    /// Where the byte after the last `STOP` lies.
    var position: Int { source.position }

    /// Runs to the next `STOP` and returns what the pickle is.
    mutating func load() throws -> PickleValue {
        stack.removeAll()
        marks.removeAll()
        memo.removeAll()
        while true {
            let opcode = try source.byte()
            if opcode == UInt8(ascii: ".") { return try pop() }
            if try pushConstant(opcode) || container(opcode) || memory(opcode) { continue }
            try object(opcode)
        }
    }

    // MARK: Constants

    private mutating func pushConstant(_ opcode: UInt8) throws -> Bool {
        switch opcode {
        case UInt8(ascii: "N"): stack.append(.none)
        case 0x88: stack.append(.bool(true))
        case 0x89: stack.append(.bool(false))
        case UInt8(ascii: "K"): stack.append(.integer(Int(try source.byte())))
        case UInt8(ascii: "M"): stack.append(.integer(try source.unsigned(2)))
        case UInt8(ascii: "J"): stack.append(.integer(Int(Int32(truncatingIfNeeded: try source.unsigned(4)))))
        case UInt8(ascii: "I"): stack.append(try source.decimalOrBool())
        case UInt8(ascii: "L"): stack.append(.integer(try source.decimal()))
        case 0x8A: stack.append(try source.long(Int(try source.byte())))
        case 0x8B: stack.append(try source.long(try source.unsigned(4)))
        case UInt8(ascii: "G"): stack.append(.float(try source.bigEndianDouble()))
        case UInt8(ascii: "F"): stack.append(.float(try source.decimalFloat()))
        case UInt8(ascii: "X"): stack.append(.string(try source.text(try source.unsigned(4))))
        case 0x8C: stack.append(.string(try source.text(Int(try source.byte()))))
        case 0x8D: stack.append(.string(try source.text(try source.unsigned(8))))
        case UInt8(ascii: "V"): stack.append(.string(try source.line()))
        case UInt8(ascii: "T"): stack.append(.string(try source.text(try source.unsigned(4))))
        case UInt8(ascii: "U"): stack.append(.string(try source.text(Int(try source.byte()))))
        case UInt8(ascii: "S"): stack.append(.string(try source.quotedLine()))
        case UInt8(ascii: "B"): stack.append(.bytes(try source.bytes(try source.unsigned(4))))
        case UInt8(ascii: "C"): stack.append(.bytes(try source.bytes(Int(try source.byte()))))
        case 0x8E, 0x96: stack.append(.bytes(try source.bytes(try source.unsigned(8))))
        case 0x80:
            let version = try source.byte()
            guard version <= 5 else { throw source.malformed("protocol \(version) is newer than 5") }
        case 0x95: _ = try source.unsigned(8)
        default: return false
        }
        return true
    }

    // MARK: Containers

    private mutating func container(_ opcode: UInt8) throws -> Bool {
        switch opcode {
        case UInt8(ascii: "("): marks.append(stack.count)
        case UInt8(ascii: ")"): stack.append(.tuple(arena.list()))
        case UInt8(ascii: "t"): stack.append(.tuple(arena.list(try popToMark())))
        case 0x85, 0x86, 0x87:
            let count = Int(opcode - 0x84)
            let items = try (0..<count).map { _ in try pop() }
            stack.append(.tuple(arena.list(items.reversed())))
        case UInt8(ascii: "]"), 0x8F: stack.append(.list(arena.list()))
        case UInt8(ascii: "l"), 0x91: stack.append(.list(arena.list(try popToMark())))
        case UInt8(ascii: "a"):
            let item = try pop()
            try topList()?.items.append(item)
        case UInt8(ascii: "e"), 0x90:
            let items = try popToMark()
            try topList()?.items += items
        case UInt8(ascii: "}"): stack.append(.dictionary(arena.dictionary()))
        case UInt8(ascii: "d"):
            let dictionary = arena.dictionary()
            try fill(dictionary, with: try popToMark())
            stack.append(.dictionary(dictionary))
        case UInt8(ascii: "s"):
            let value = try pop()
            let key = try pop()
            try topDictionary().set(key, to: value)
        case UInt8(ascii: "u"):
            let items = try popToMark()
            try fill(try topDictionary(), with: items)
        default: return false
        }
        return true
    }

    private func fill(_ dictionary: PickleDictionary, with items: [PickleValue]) throws {
        guard items.count.isMultiple(of: 2) else { throw source.malformed("a key without value") }
        for index in stride(from: 0, to: items.count, by: 2) { dictionary.set(items[index], to: items[index + 1]) }
    }

    // MARK: Stack and memo

    private mutating func memory(_ opcode: UInt8) throws -> Bool {
        switch opcode {
        case UInt8(ascii: "0"): _ = try pop()
        case UInt8(ascii: "1"): _ = try popToMark()
        case UInt8(ascii: "2"):
            let top = try pop()
            stack += [top, top]
        case UInt8(ascii: "q"): memo[Int(try source.byte())] = try top()
        case UInt8(ascii: "r"): memo[try source.unsigned(4)] = try top()
        case UInt8(ascii: "p"): memo[try source.decimal()] = try top()
        case 0x94: memo[memo.count] = try top()
        case UInt8(ascii: "h"): stack.append(try remembered(Int(try source.byte())))
        case UInt8(ascii: "j"): stack.append(try remembered(try source.unsigned(4)))
        case UInt8(ascii: "g"): stack.append(try remembered(try source.decimal()))
        default: return false
        }
        return true
    }

    private func remembered(_ index: Int) throws -> PickleValue {
        guard let value = memo[index] else { throw source.malformed("memo \(index) was never set") }
        return value
    }

    // MARK: Names and what stands for calls

    private mutating func object(_ opcode: UInt8) throws {
        switch opcode {
        case UInt8(ascii: "c"):
            let module = try source.line()
            stack.append(.name(try Self.allowed(PickleName(module: module, name: try source.line()))))
        case 0x93:
            guard let name = try pop().string, let module = try pop().string else {
                throw source.malformed("a global whose name is no string")
            }
            stack.append(.name(try Self.allowed(PickleName(module: module, name: name))))
        case UInt8(ascii: "i"):
            let module = try source.line()
            let name = try Self.allowed(PickleName(module: module, name: try source.line()))
            stack.append(try build(name, from: try popToMark()))
        case UInt8(ascii: "R"):
            let (name, arguments) = try callee()
            stack.append(try build(name, from: arguments))
        case 0x81:
            let (name, arguments) = try callee()
            stack.append(try instance(of: name, from: arguments))
        case 0x92:
            _ = try pop()
            let (name, arguments) = try callee()
            stack.append(try instance(of: name, from: arguments))
        case UInt8(ascii: "o"):
            let parts = try popToMark()
            guard case .name(let name)? = parts.first else { throw source.malformed("an object without a class") }
            stack.append(try instance(of: name, from: Array(parts.dropFirst())))
        case UInt8(ascii: "Q"):
            let id = try pop()
            // Old torch writes a module's class with the text of its source.
            if let parts = id.sequence, parts.count == 4, parts[0].string == "module", case .name = parts[1] {
                stack.append(parts[1])
                return
            }
            let storage = try Self.storage(from: id)
            storageElementSizes[storage.key] = storage.element?.size ?? 1
            stack.append(.storage(storage))
        case UInt8(ascii: "b"):
            // The state of an OrderedDict (torch keeps version numbers there), of a parameter, or of what is read over.
            _ = try pop()
            switch try top() {
            case .dictionary, .tensor, .object: break
            case let other: throw ParameterError(.refusedCode, "the pickle sets the state of \(other.kind)")
            }
        default:
            throw source.malformed("opcode 0x\(String(opcode, radix: 16)) is not read here")
        }
    }

    /// What is called or made, and the arguments.
    private mutating func callee() throws -> (PickleName, [PickleValue]) {
        guard let arguments = try pop().sequence else { throw source.malformed("arguments that are no tuple") }
        switch try pop() {
        case .name(let name): return (name, arguments)
        case .object(let object):
            throw ParameterError(.refusedCode, "the pickle calls what \(object.name) made; it was not called")
        default: throw source.malformed("a call of what is no name")
        }
    }

    private func top() throws -> PickleValue {
        guard let value = stack.last, stack.count > (marks.last ?? 0) else { throw source.malformed("an empty stack") }
        return value
    }

    private mutating func pop() throws -> PickleValue {
        guard stack.count > (marks.last ?? 0), let value = stack.popLast() else {
            throw source.malformed("an empty stack")
        }
        return value
    }

    private mutating func popToMark() throws -> [PickleValue] {
        guard let mark = marks.popLast(), mark <= stack.count else { throw source.malformed("no open mark") }
        let items = Array(stack[mark...])
        stack.removeSubrange(mark...)
        return items
    }

    /// Nil: items of what is read over.
    private func topList() throws -> PickleList? {
        switch try top() {
        case .list(let list): return list
        case .object: return nil
        default: throw source.malformed("an item without its list")
        }
    }

    private func topDictionary() throws -> PickleDictionary {
        switch try top() {
        case .dictionary(let dictionary): return dictionary
        case .object(let object): return arena.pairs(of: object)
        default: throw source.malformed("a pair without its dict")
        }
    }
}
