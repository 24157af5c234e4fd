extension DepthwiseMLP {
    /// Bytes of the hidden layer that exist at a time: what the second-level cache holds beside weights.
    private static let hiddenInCache = 1536 << 10

    /// Without recording: the hidden layer exists for a strip of rows at a time, or for a few small images.
    func infer(_ source: PooledMemory, adding: Bool, to y: Tensor) throws {
        let image = height * hiddenRow
        if image <= 4 * Self.hiddenInCache {
            let step = max(1, 4 * Self.hiddenInCache / image)
            for first in stride(from: 0, to: images, by: step) {
                try inferWhole(first..<min(images, first + step), source, adding: adding, to: y)
            }
        } else {
            for image in 0..<images { try inferByStrips(image, source, adding: adding, to: y) }
        }
    }

    private func inferWhole(_ range: Range<Int>, _ source: PooledMemory, adding: Bool, to y: Tensor) throws {
        let (pixels, first) = (range.count * height * width, range.lowerBound * height * width)
        let wide = try PooledMemory(bytes: range.count * height * hiddenRow)
        let active = try PooledMemory(bytes: range.count * height * hiddenRow)
        try multiply(
            widening, rows: pixels, source.base + first * inputs * precision.bytes, result: wide.base, precision: precision)
        convolve(images: range.count, held: 0..<height, results: 0..<height, wide.base, result: active.base)
        try multiply(
            narrowing, rows: pixels, active.base, result: y.memory.base + first * outputs * y.precision.bytes,
            precision: y.precision, adds: adding)
    }

    /// Each strip of rows is widened once; its last two rows stay for the next strip's convolution.
    private func inferByStrips(_ image: Int, _ source: PooledMemory, adding: Bool, to y: Tensor) throws {
        let strip = min(height, max(2, Self.hiddenInCache / hiddenRow))
        let wide = try PooledMemory(bytes: (strip + 2) * hiddenRow)
        let active = try PooledMemory(bytes: (strip + 1) * hiddenRow)
        var (held, done) = (0..<0, 0)
        while done < height {
            let kept = max(held.lowerBound, held.upperBound - 2)..<held.upperBound
            wide.base.copyMemory(
                from: wide.base + (kept.lowerBound - held.lowerBound) * hiddenRow, byteCount: kept.count * hiddenRow)
            let next = kept.upperBound..<min(height, kept.upperBound + strip)
            try multiply(
                widening, rows: next.count * width,
                source.base + (image * height + next.lowerBound) * width * inputs * precision.bytes,
                result: wide.base + kept.count * hiddenRow, precision: precision)
            held = kept.lowerBound..<next.upperBound
            // The last row waits for the one below it.
            let results = done..<(held.upperBound == height ? height : held.upperBound - 1)
            convolve(images: 1, held: held, results: results, wide.base, result: active.base)
            try multiply(
                narrowing, rows: results.count * width, active.base,
                result: y.memory.base + (image * height + done) * width * outputs * y.precision.bytes,
                precision: y.precision, adds: adding)
            done = results.upperBound
        }
    }
}
