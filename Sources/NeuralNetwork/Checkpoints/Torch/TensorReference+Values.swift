extension TensorReference {
    /// The values of this view of `storage`, row-major.
    ///
    /// Throws `truncatedFile` where it reaches past the storage, `malformedFile` for a view that is far larger than
    /// what it shows (a few bytes must not become gigabytes).
    func values(in storage: UnsafeRawBufferPointer, called name: String) throws -> [Float] {
        guard let count = ParameterSet.elementCount(of: shape) else {
            throw ParameterError(.malformedFile, "tensor \(name) has the absurd shape \(shape)")
        }
        guard count > 0 else { return [] }
        let available = storage.count / element.size
        var last = offset
        for (extent, stride) in zip(shape, strides) {
            let (reach, overflow) = (extent - 1).multipliedReportingOverflow(by: stride)
            let (sum, overflow2) = last.addingReportingOverflow(reach)
            guard !overflow, !overflow2 else {
                throw ParameterError(.malformedFile, "tensor \(name) has the absurd strides \(strides)")
            }
            last = sum
        }
        guard last < available else {
            throw ParameterError(
                .truncatedFile, "tensor \(name) reaches to element \(last) of a storage that has \(available)")
        }
        guard count <= max(available, 1 << 24) else {
            throw ParameterError(
                .malformedFile, "tensor \(name) would show \(available) numbers as \(count): it is an expanded view")
        }
        if isContiguous {
            let start = offset * element.size
            return element.floats(
                from: UnsafeRawBufferPointer(rebasing: storage[start..<start + count * element.size]))
        }
        return gathered(count, from: storage)
    }

    private var isContiguous: Bool {
        var expected = 1
        for (extent, stride) in zip(shape, strides).reversed() {
            if extent != 1, stride != expected { return false }
            expected *= extent
        }
        return true
    }

    /// Walks the last dimension, and the others as an odometer does.
    private func gathered(_ count: Int, from storage: UnsafeRawBufferPointer) -> [Float] {
        let inner = shape.count - 1
        return [Float](unsafeUninitializedCapacity: count) { buffer, filled in
            var place = [Int](repeating: 0, count: inner)
            var start = offset
            while filled < count {
                for step in 0..<shape[inner] {
                    buffer[filled] = element.float(in: storage, at: start + step * strides[inner])
                    filled += 1
                }
                for dimension in stride(from: inner - 1, through: 0, by: -1) {
                    place[dimension] += 1
                    start += strides[dimension]
                    if place[dimension] < shape[dimension] { break }
                    start -= place[dimension] * strides[dimension]
                    place[dimension] = 0
                }
            }
        }
    }
}
