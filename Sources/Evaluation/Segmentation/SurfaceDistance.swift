/// Distances between the borders of two masks.
enum SurfaceDistance {
    /// The 95th percentile, linearly interpolated, of all distances from a border pixel of either mask to the nearest
    /// border pixel of the other. 0 where both masks are empty, nil where one is.
    static func percentile95(_ a: [Bool], _ b: [Bool], width: Int, height: Int) -> Double? {
        let (borderA, borderB) = (border(of: a, width: width, height: height), border(of: b, width: width, height: height))
        switch (borderA.contains(true), borderB.contains(true)) {
        case (false, false): return 0
        case (true, true): break
        default: return nil
        }
        let toA = DistanceTransform(to: borderA, width: width, height: height).squares
        let toB = DistanceTransform(to: borderB, width: width, height: height).squares
        var squares = [Int32]()
        for index in borderA.indices {
            if borderA[index] { squares.append(toB[index]) }
            if borderB[index] { squares.append(toA[index]) }
        }
        squares.sort()
        let place = 0.95 * Double(squares.count - 1)
        let lower = Int(place)
        let upper = min(lower + 1, squares.count - 1)
        let (low, high) = (Double(squares[lower]).squareRoot(), Double(squares[upper]).squareRoot())
        return low + (high - low) * (place - Double(lower))
    }

    /// Pixels of the mask with one of their four neighbours outside it; beyond the image's edge is outside.
    private static func border(of mask: [Bool], width: Int, height: Int) -> [Bool] {
        var border = [Bool](repeating: false, count: mask.count)
        for row in 0..<height {
            for column in 0..<width {
                let index = row * width + column
                guard mask[index] else { continue }
                let inner =
                    row > 0 && row < height - 1 && column > 0 && column < width - 1
                    && mask[index - width] && mask[index + width] && mask[index - 1] && mask[index + 1]
                border[index] = !inner
            }
        }
        return border
    }
}
