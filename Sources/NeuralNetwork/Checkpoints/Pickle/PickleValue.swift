/// What a pickle may build here: plain data, and tensors that still lie in their file.
enum PickleValue {
    case none
    case bool(Bool)
    case integer(Int)
    /// An integer of more than 64 bits, little-endian two's complement.
    case bigInteger([UInt8])
    case float(Double)
    case string(String)
    case bytes([UInt8])
    case tuple(PickleList)
    case list(PickleList)
    case dictionary(PickleDictionary)
    /// A name that the unpickler knows. It stands for itself: nothing was imported.
    case name(PickleName)
    /// An object of a class that is none of ours: its name, and what was put into it where it is a kind of dict.
    case object(PickleObject)
    case storage(StorageReference)
    case tensor(TensorReference)

    /// What kind of thing it is, for messages.
    var kind: String {
        switch self {
        case .none: "None"
        case .bool: "a bool"
        case .integer, .bigInteger: "an integer"
        case .float: "a float"
        case .string: "a string"
        case .bytes: "bytes"
        case .tuple(let tuple): "a tuple of \(tuple.items.count)"
        case .list(let list): "a list of \(list.items.count)"
        case .dictionary(let dictionary): "a dict of \(dictionary.pairs.count)"
        case .name(let name): name.description
        case .object(let object): "an object of \(object.name)"
        case .storage: "a storage"
        case .tensor(let tensor): "a tensor \(tensor.shape)"
        }
    }

    /// Itself where it is a dict, or what an object of a class that is a kind of dict holds.
    var dictionary: PickleDictionary? {
        switch self {
        case .dictionary(let dictionary): dictionary
        case .object(let object): object.pairs
        default: nil
        }
    }

    var integer: Int? {
        if case .integer(let value) = self { value } else { nil }
    }

    var string: String? {
        if case .string(let value) = self { value } else { nil }
    }

    /// The items of a tuple or a list, or of a set.
    var sequence: [PickleValue]? {
        switch self {
        case .tuple(let list), .list(let list): list.items
        default: nil
        }
    }

    var integers: [Int]? {
        guard let items = sequence else { return nil }
        let numbers = items.compactMap(\.integer)
        return numbers.count == items.count ? numbers : nil
    }
}

/// A list, a tuple or a set; a class, since a pickle may still add to what it has put elsewhere already.
final class PickleList {
    var items: [PickleValue]
    fileprivate init(_ items: [PickleValue]) { self.items = items }
}

/// A dict, an OrderedDict or a Counter, in the order of insertion.
final class PickleDictionary {
    fileprivate init() {}

    private(set) var pairs: [(key: PickleValue, value: PickleValue)] = []
    private var places: [String: Int] = [:]

    subscript(key: String) -> PickleValue? { places[key].map { pairs[$0].value } }

    func set(_ key: PickleValue, to value: PickleValue) {
        guard case .string(let text) = key else { return pairs.append((key, value)) }
        if let place = places[text] {
            pairs[place].value = value
        } else {
            places[text] = pairs.count
            pairs.append((key, value))
        }
    }

    fileprivate func removeAll() {
        pairs = []
        places = [:]
    }
}

/// An object of a class that was not imported. What its state is was read over; a kind of dict shows its pairs.
final class PickleObject {
    let name: PickleName
    fileprivate(set) var pairs: PickleDictionary?
    fileprivate init(_ name: PickleName) { self.name = name }
}

/// Owns every container that a pickle made, and takes them apart one by one at the end.
///
/// A pickle may nest a million lists, or put a list into itself: released one through the other they would exhaust
/// the stack or never be freed.
final class PickleArena {
    private var lists: [PickleList] = []
    private var dictionaries: [PickleDictionary] = []

    func list(_ items: [PickleValue] = []) -> PickleList {
        let list = PickleList(items)
        lists.append(list)
        return list
    }

    func dictionary() -> PickleDictionary {
        let dictionary = PickleDictionary()
        dictionaries.append(dictionary)
        return dictionary
    }

    func object(_ name: PickleName) -> PickleObject { PickleObject(name) }

    /// The pairs of an object of a kind of dict, which shows itself as such by the first one.
    func pairs(of object: PickleObject) -> PickleDictionary {
        if let pairs = object.pairs { return pairs }
        let pairs = dictionary()
        object.pairs = pairs
        return pairs
    }

    deinit {
        for list in lists { list.items = [] }
        for dictionary in dictionaries { dictionary.removeAll() }
    }
}

/// A class or function of Python, by module and name.
struct PickleName: Hashable, CustomStringConvertible {
    var module: String
    var name: String
    var description: String { module + "." + name }
}

/// Some of the raw numbers that tensors are views of.
struct StorageReference {
    /// Its key in the file.
    var key: String
    /// nil: untyped bytes.
    var element: ElementType?
    /// Elements from the start of the storage called `key`, where this is a view of one (files of torch before 0.4).
    var viewOffset = 0
    /// Elements it has; bytes where it is untyped.
    var count: Int
}

/// A tensor as a view of a storage: offset and strides count elements.
struct TensorReference {
    var storage: StorageReference
    var element: ElementType
    var offset: Int
    var shape: [Int]
    var strides: [Int]
}
