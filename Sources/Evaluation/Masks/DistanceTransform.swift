/// For each pixel the nearest marked pixel, exactly (Meijster, Roerdink, Hesselink 2000), in time linear in pixels.
///
/// Of several at the same distance the one in the smaller column is taken, and in one column that in the smaller row,
/// as scipy's does: the weighted F-measure depends on it.
package struct DistanceTransform {
    /// The squared distance of each pixel to its nearest marked one; 0 everywhere if none is marked.
    package private(set) var squares: [Int32]
    /// The index of that marked pixel; the pixel itself if none is marked.
    package private(set) var nearest: [Int32]

    package init(to marked: [Bool], width: Int, height: Int) {
        let count = width * height
        squares = [Int32](repeating: 0, count: count)
        nearest = (0..<Int32(clamping: count)).map { $0 }
        guard marked.contains(true) else { return }
        let rows = Self.nearestRows(to: marked, width: width, height: height)
        var sites = [Int](repeating: 0, count: width)
        var starts = [Int](repeating: 0, count: width)
        var heights = [Int](repeating: 0, count: width)
        for row in 0..<height {
            var last = -1
            for column in 0..<width {
                let other = Int(rows[row * width + column])
                guard other >= 0 else { continue }
                let up = (row - other) * (row - other)
                heights[column] = up
                // Parabolas that are above the new one already where they begin are never lowest again.
                while last >= 0, case let (site, start) = (sites[last], starts[last]),
                    (start - site) * (start - site) + heights[site] > (start - column) * (start - column) + up
                {
                    last -= 1
                }
                guard last >= 0 else {
                    last = 0
                    (sites[0], starts[0]) = (column, 0)
                    continue
                }
                let site = sites[last]
                let numerator = column * column - site * site + up - heights[site]
                // Up to here the left one is at least as near.
                let border = numerator < 0 ? -1 : numerator / (2 * (column - site))
                if border + 1 < width {
                    last += 1
                    (sites[last], starts[last]) = (column, border + 1)
                }
            }
            guard last >= 0 else { continue }
            for column in stride(from: width - 1, through: 0, by: -1) {
                let site = sites[last]
                let index = row * width + column
                squares[index] = Int32((column - site) * (column - site) + heights[site])
                nearest[index] = rows[row * width + site] * Int32(width) + Int32(site)
                if column == starts[last], last > 0 { last -= 1 }
            }
        }
    }

    /// For each pixel the row of the nearest marked pixel in its own column; −1 where that column has none.
    private static func nearestRows(to marked: [Bool], width: Int, height: Int) -> [Int32] {
        var rows = [Int32](repeating: -1, count: width * height)
        for row in 0..<height {
            for column in 0..<width {
                let index = row * width + column
                if marked[index] { rows[index] = Int32(row) } else if row > 0 { rows[index] = rows[index - width] }
            }
        }
        for row in stride(from: height - 2, through: 0, by: -1) {
            for column in 0..<width {
                let index = row * width + column
                let below = rows[index + width]
                if below > row, rows[index] < 0 || Int(below) - row < row - Int(rows[index]) { rows[index] = below }
            }
        }
        return rows
    }
}
