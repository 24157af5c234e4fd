/// Elementary functions from arithmetic and square roots alone, which every IEEE machine rounds alike: the system's own
/// differ between processors in the last bit, and one seed must be one archive everywhere.
package enum PortableMath {
    /// Sine of an angle in radians, to about 1e-6.
    package static func sine(_ angle: Float) -> Float {
        let turns = angle * 0.159_154_94
        // −½…½ of a turn, folded to −¼…¼, where the polynomial is good.
        var part = turns - turns.rounded()
        if part > 0.25 { part = 0.5 - part } else if part < -0.25 { part = -0.5 - part }
        let x = part * 6.283_185_3
        let square = x * x
        return x * (1 + square * (-1 / 6 + square * (1 / 120 + square * (-1 / 5040 + square * (1 / 362_880)))))
    }

    package static func cosine(_ angle: Float) -> Float { sine(angle + 1.570_796_3) }

    /// 0 below the first bound, 1 above the second, smooth between.
    @inline(__always)
    static func smoothStep(_ low: Float, _ high: Float, _ value: Float) -> Float {
        let part = max(0, min(1, (value - low) / (high - low)))
        return part * part * (3 - 2 * part)
    }

    @inline(__always)
    static func mix(_ one: Float, _ other: Float, _ share: Float) -> Float { one + (other - one) * share }
}
