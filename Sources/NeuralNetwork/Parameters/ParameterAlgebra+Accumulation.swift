import COpenBLAS

extension ParameterAlgebra {
    /// Values a tensor is worked through at a time: 16 KB as `Double`s, well within the first-level cache.
    static let blockSize = 2048

    /// sum ← sum + weight·x, in double precision. Returns Σ x², which is not finite where some x is not.
    ///
    /// A `Float` has 24 significant bits. So with a whole `weight` below 2^29 each product is exact in a `Double`, and
    /// the result is the same to the last bit whether or not OpenBLAS's kernel fuses multiplication and addition.
    func accumulate(
        _ weight: Double, times x: UnsafeBufferPointer<Float>, into sum: UnsafeMutableBufferPointer<Double>
    ) -> Double {
        precondition(x.count == sum.count, "accumulate: \(x.count) values into \(sum.count)")
        guard let target = sum.baseAddress else { return 0 }
        var squares = 0.0
        withUnsafeTemporaryAllocation(of: Double.self, capacity: Self.blockSize) { block in
            guard let wide = block.baseAddress else { return }
            var start = 0
            while start < x.count {
                let count = min(Self.blockSize, x.count - start)
                for index in 0..<count { wide[index] = Double(x[start + index]) }
                squares += endoked_blas_ddot(Int32(count), wide, wide)
                endoked_blas_daxpy(Int32(count), weight, wide, target + start)
                start += count
            }
        }
        return squares
    }
}
