import Foundation

extension Double {
    /// e to the power of `x`, in double.
    package static func exponential(_ x: Float) -> Double { exp(Double(x)) }

    package static func naturalLogarithm(_ x: Double) -> Double { log(x) }

    package static func decibels(_ ratio: Double) -> Double { 10 * log10(ratio) }
}
