import Foundation
import Synchronization

/// How fast this machine multiplies, measured: what benchmarks compare an achieved rate with.
public enum PeakArithmetic {
    /// Floating-point operations a second of `threads` threads at once, each multiplying matrices that fit its caches.
    /// The best of several turns; takes about `seconds`.
    public static func measured(_ precision: Precision, threads: Int, seconds: Double = 1) throws -> Double {
        let side = 768
        var shape = MatmulShape(rows: side, columns: side, inner: side, transposesB: true)
        shape.precision = precision
        shape.resultPrecision = precision
        shape.packsB = true
        let turns = 6
        var best = 0.0
        for _ in 0..<turns {
            let rates = Mutex<[Double]>([])
            let failure = Mutex<EngineError?>(nil)
            DispatchQueue.concurrentPerform(iterations: max(1, threads)) { [shape] _ in
                do {
                    let rate = try rate(shape, side: side, seconds: seconds / Double(turns))
                    rates.withLock { $0.append(rate) }
                } catch {
                    failure.withLock { $0 = error as? EngineError ?? EngineError(.library, "\(error)") }
                }
            }
            if let error = failure.withLock({ $0 }) { throw error }
            best = max(best, rates.withLock { $0.reduce(0, +) })
        }
        return best
    }

    private static func rate(_ shape: MatmulShape, side: Int, seconds: Double) throws -> Double {
        ComputeThreads.set(1)
        let primitive = try PrimitiveCache.shared.matmul(shape)
        let plain = [Float](repeating: 0.5, count: side * side)
        let a = try Tensor(plain, shape: [side, side]).converted(to: shape.precision)
        let (packed, result) = (
            try PooledMemory(bytes: primitive.weightBytes), try Tensor(shape: [side, side], precision: shape.resultPrecision)
        )
        try plain.withUnsafeBufferPointer { if let base = $0.baseAddress { try primitive.pack(base, into: packed.base) } }
        let start = ContinuousClock.now
        var calls = 0.0
        while ContinuousClock.now - start < .seconds(seconds) {
            for _ in 0..<4 { try primitive.forward(a.memory.base, weights: packed.base, result: result.memory.base) }
            calls += 4
        }
        let elapsed = ContinuousClock.now - start
        let seconds = Double(elapsed.components.seconds) + Double(elapsed.components.attoseconds) * 1e-18
        return calls * 2 * Double(side * side * side) / seconds
    }
}
