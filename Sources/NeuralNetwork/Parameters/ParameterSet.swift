/// The parameters of a model, or the difference of two such: named fp32 tensors.
///
/// The layout is the reference's (PyTorch): convolutions are output, input, height, width; linear layers are
/// output, input; row-major. The names are the reference's too. Equal sets have equal bytes and equal digests,
/// wherever and in whichever order they were made.
public struct ParameterSet: Sendable, Equatable {
    /// One named tensor.
    public struct Entry: Sendable, Equatable {
        public var name: String
        /// The extent of each dimension; empty for a single number.
        public var shape: [Int]
        /// Row-major; as many as the product of `shape`.
        public var values: [Float]

        public init(name: String, shape: [Int], values: [Float]) {
            self.name = name
            self.shape = shape
            self.values = values
        }
    }

    /// Sorted by the UTF-8 bytes of their names, which are unique.
    public private(set) var entries: [Entry]

    /// The parameters given, in any order.
    ///
    /// Throws `ParameterError` (`duplicateName`, `shapeMismatch`) naming the tensor.
    public init(entries: [Entry]) throws {
        let sorted = entries.sorted { Self.precedes($0.name, $1.name) }
        for (index, entry) in sorted.enumerated() {
            try Self.check(entry.shape, of: entry.name, holds: entry.values.count)
            if index > 0, sorted[index - 1].name == entry.name {
                throw ParameterError(.duplicateName, "tensor \(entry.name) is there twice: names must be unique")
            }
        }
        self.entries = sorted
    }

    /// No tensors.
    public init() { entries = [] }

    /// The tensor called `name`, found in logarithmic time; nil where there is none.
    public subscript(name: String) -> Entry? {
        index(of: name).map { entries[$0] }
    }

    /// Where in `entries` the tensor called `name` lies.
    public func index(of name: String) -> Int? {
        var low = 0
        var high = entries.count
        while low < high {
            let middle = (low + high) / 2
            if Self.precedes(entries[middle].name, name) { low = middle + 1 } else { high = middle }
        }
        return low < entries.count && entries[low].name == name ? low : nil
    }

    /// The names, sorted as the entries are.
    public var names: [String] { entries.map(\.name) }

    /// How many numbers all tensors hold together.
    public var totalCount: Int { entries.reduce(0) { $0 + $1.values.count } }

    /// Changes the values of one tensor in place, without copying them.
    public mutating func updateValues<Result>(
        at index: Int, _ body: (UnsafeMutableBufferPointer<Float>) throws -> Result
    ) rethrows -> Result {
        try entries[index].values.withUnsafeMutableBufferPointer { try body($0) }
    }

    /// A set with the same names and shapes and every value zero.
    public var zeros: ParameterSet {
        var copy = self
        for index in copy.entries.indices {
            copy.entries[index].values = [Float](repeating: 0, count: entries[index].values.count)
        }
        return copy
    }

    static func precedes(_ left: String, _ right: String) -> Bool {
        left.utf8.lexicographicallyPrecedes(right.utf8)
    }

    static func check(_ shape: [Int], of name: String, holds count: Int) throws {
        guard let expected = elementCount(of: shape), expected == count else {
            throw ParameterError(
                .shapeMismatch, "tensor \(name) has \(count) values, which do not fill its shape \(shape)")
        }
    }

    /// The product of the extents; nil where one is negative or the product does not fit.
    static func elementCount(of shape: [Int]) -> Int? {
        var product = 1
        for extent in shape {
            guard extent >= 0 else { return nil }
            let (value, overflow) = product.multipliedReportingOverflow(by: extent)
            guard !overflow else { return nil }
            product = value
        }
        return product
    }
}
