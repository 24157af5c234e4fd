/// How much of one picture is found in another, after the one's window was moved and stretched to where it fits best.
///
/// The middle of both is cut into 5×5 blocks of 8×8 samples; each block's correlation says whether it shows the same, and
/// the mean of the best seven tenths of them is the likeness: what lettering, a black corner or a highlight covers does not
/// count. Of 1,021 public frames, copies that were saved anew, cropped, brightened and written upon all at once come to
/// 0.75 or more in 99 of 100; of 500 pairs of different sequences whose codes were nearest, one did (`ops/bench/evaluate/copies`).
struct CopyLikeness {
    /// Blocks along each side, and samples along each of theirs.
    private static let blocks = 5
    private static let block = 8
    private static let samples = blocks * block
    private static let margin: Float = 0.1
    /// Squared levels of noise in each sample: blocks without any structure agree with nothing.
    private static let noise: Float = 1
    /// Below this, before anything was moved, it is no copy; true ones that were cropped begin at 0.5.
    private static let hopeless: Float = 0.3

    private let source: [Int8]
    /// Samples of the picture that stays as it is, block by block, without each block's mean; and their squares' sums.
    private let fixed: (values: [Float], squares: [Float])

    private init(source: [Int8], fixed: [Int8]) {
        self.source = source
        self.fixed = Self.centred(Self.sampled(fixed, in: Window.whole.middle(without: Self.margin)))
    }

    /// The likeness, −1 to 1, of `cropped` and the part of `source` in `window` or near it.
    static func of(_ cropped: [Int8], within source: [Int8], near window: Window) -> Float {
        let likeness = CopyLikeness(source: source, fixed: cropped)
        var best = (value: likeness.at(window), window: window)
        guard best.value >= hopeless else { return best.value }
        for step in [Float(0.02), 0.01, 0.005] {
            for _ in 0..<2 where !likeness.improve(&best, by: step) { break }
        }
        return best.value
    }

    /// Tries each side's place and length a step up and down. Whether one was better.
    private func improve(_ best: inout (value: Float, window: Window), by step: Float) -> Bool {
        var isBetter = false
        for change in [step, -step] {
            for move in 0..<4 {
                var window = best.window
                switch move {
                case 0: window.x += change
                case 1: window.y += change
                case 2:
                    window.width += change
                    window.x -= change / 2
                default:
                    window.height += change
                    window.y -= change / 2
                }
                let value = at(window)
                if value > best.value { (best, isBetter) = ((value, window), true) }
            }
        }
        return isBetter
    }

    private func at(_ window: Window) -> Float {
        let moving = Self.centred(Self.sampled(source, in: window.middle(without: Self.margin)))
        let size = Self.block * Self.block
        let floor = Self.noise * Float(size)
        var correlations: [Float] = []
        correlations.reserveCapacity(fixed.squares.count)
        for index in fixed.squares.indices {
            var products: Float = 0
            for place in index * size..<(index + 1) * size { products += fixed.values[place] * moving.values[place] }
            correlations.append(
                products / ((fixed.squares[index] + floor) * (moving.squares[index] + floor)).squareRoot())
        }
        let best = correlations.sorted().dropFirst(correlations.count * 3 / 10)
        return best.reduce(0, +) / Float(best.count)
    }

    /// Samples of a window, block after block, each row-major; bilinear, edges go on.
    private static func sampled(_ map: [Int8], in window: Window) -> [Float] {
        let side = ImageFingerprint.side
        func taps(_ start: Float, _ length: Float) -> [(low: Int, high: Int, share: Float)] {
            (0..<samples).map { index in
                let place = (start + (Float(index) + 0.5) / Float(samples) * length) * Float(side) - 0.5
                let low = place.rounded(.down)
                return (
                    max(0, min(side - 1, Int(low))), max(0, min(side - 1, Int(low) + 1)), place - low
                )
            }
        }
        let (columns, rows) = (taps(window.x, window.width), taps(window.y, window.height))
        var result = [Float](repeating: 0, count: samples * samples)
        map.withUnsafeBufferPointer { map in
            for (y, row) in rows.enumerated() {
                let (upper, lower) = (row.low * side, row.high * side)
                for (x, column) in columns.enumerated() {
                    let above = Float(map[upper + column.low]) * (1 - column.share) + Float(map[upper + column.high]) * column.share
                    let below = Float(map[lower + column.low]) * (1 - column.share) + Float(map[lower + column.high]) * column.share
                    let place = ((y / block) * blocks + x / block) * block * block + (y % block) * block + x % block
                    result[place] = above * (1 - row.share) + below * row.share
                }
            }
        }
        return result
    }

    private static func centred(_ samples: [Float]) -> (values: [Float], squares: [Float]) {
        let size = block * block
        var values = samples
        let squares = stride(from: 0, to: samples.count, by: size).map { start in
            let mean = samples[start..<start + size].reduce(0, +) / Float(size)
            var sum: Float = 0
            for place in start..<start + size {
                values[place] -= mean
                sum += values[place] * values[place]
            }
            return sum
        }
        return (values, squares)
    }
}
