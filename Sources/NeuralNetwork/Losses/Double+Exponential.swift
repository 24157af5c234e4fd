import Foundation

extension Double {
    /// e to the power of `x`, in double.
    static func exponential(_ x: Float) -> Double { exp(Double(x)) }

    static func naturalLogarithm(_ x: Double) -> Double { log(x) }
}
