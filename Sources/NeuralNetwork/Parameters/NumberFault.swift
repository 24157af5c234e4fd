import COneDNN

/// A tensor whose numbers no network can use: NaN or infinity, magnitudes with which sums overflow on the way, or a variance
/// below zero, whose root is no number.
///
/// A network hides them: the largest of NaN and 0 is 0 in a rectifier, and what comes out looks like a score.
public struct NumberFault: Sendable, Equatable {
    /// Of the tensor.
    public var name: String
    /// How many of its numbers are at fault, of how many.
    public let count: Int
    public let total: Int
    /// Which, in words.
    private let what: String

    /// Beyond what any training leaves, by ten powers of ten: what a flipped bit of an exponent makes.
    private static let greatest: Float = 1e15

    /// Nil where all numbers are sound. One pass over them, and a second one where one is not.
    package init?(of values: [Float], called name: String) {
        let isVariance = name == "running_var" || name.hasSuffix(".running_var")
        // Double precision: no finite number's square overflows.
        let squares = values.withUnsafeBufferPointer { buffer in
            buffer.baseAddress.map { nn_sum_of_squares($0, Int64(buffer.count)) } ?? 0
        }
        if !squares.isFinite {
            count = values.count { !$0.isFinite }
            what = "NaN or infinite"
        } else if squares > Double(Self.greatest) * Double(Self.greatest), values.contains(where: { abs($0) > Self.greatest }) {
            count = values.count { abs($0) > Self.greatest }
            what = "beyond 1e15, as no training leaves them"
        } else if isVariance, values.contains(where: { $0 < 0 }) {
            count = values.count { $0 < 0 }
            what = "below zero, as no variance is"
        } else {
            return nil
        }
        (self.name, total) = (name, values.count)
    }

    /// Throws `ParameterError.notFinite`, which names the first five tensors and counts the others, unless there is none.
    public static func requireNone(_ faults: [NumberFault]) throws {
        guard !faults.isEmpty else { return }
        let sorted = faults.sorted { ParameterSet.precedes($0.name, $1.name) }
        let named = sorted.prefix(5).map { "\($0.name) (\($0.count) of \($0.total) numbers are \($0.what))" }
        let more = sorted.count - named.count
        throw ParameterError(
            .notFinite,
            "its numbers are none in \(named.joined(separator: ", "))"
                + (more > 0 ? " and \(more) more \(more == 1 ? "tensor" : "tensors")" : "")
                + ": a training that diverged, or a damaged file; use weights of an earlier epoch, or fetch the file again")
    }
}

extension ParameterSet {
    /// Itself, where every number is one.
    ///
    /// Throws `ParameterError.notFinite`, naming the tensors.
    public func sound() throws -> ParameterSet {
        try NumberFault.requireNone(entries.compactMap { NumberFault(of: $0.values, called: $0.name) })
        return self
    }
}
