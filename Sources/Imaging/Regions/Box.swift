/// A rectangle of whole pixels: columns `x0..<x1`, rows `y0..<y1`.
public struct Box: Sendable, Hashable, Codable, CustomStringConvertible {
    public var x0: Int
    public var y0: Int
    /// One past the last column.
    public var x1: Int
    /// One past the last row.
    public var y1: Int

    public init(x0: Int, y0: Int, x1: Int, y1: Int) {
        self.x0 = x0
        self.y0 = y0
        self.x1 = x1
        self.y1 = y1
    }

    public init(x: Int, y: Int, width: Int, height: Int) {
        self.init(x0: x, y0: y, x1: x + width, y1: y + height)
    }

    public var width: Int { max(0, x1 - x0) }
    public var height: Int { max(0, y1 - y0) }
    /// Pixels covered; an inverted box covers none.
    public var area: Int { width * height }
    public var isEmpty: Bool { area == 0 }

    public var description: String { "box (\(x0), \(y0))-(\(x1), \(y1))" }

    /// The smallest box around all of `boxes`; nil for none.
    public init?(around boxes: [Box]) {
        guard let first = boxes.first else { return nil }
        self = boxes.dropFirst().reduce(first) { all, box in
            Box(x0: min(all.x0, box.x0), y0: min(all.y0, box.y0), x1: max(all.x1, box.x1), y1: max(all.y1, box.y1))
        }
    }

    /// What both cover, which may be empty.
    public func intersection(_ other: Box) -> Box {
        Box(x0: max(x0, other.x0), y0: max(y0, other.y0), x1: min(x1, other.x1), y1: min(y1, other.y1))
    }

    /// Intersection over union, 0…1; two empty boxes share nothing: 0.
    public func intersectionOverUnion(_ other: Box) -> Double {
        let shared = intersection(other).area
        let union = area + other.area - shared
        return union > 0 ? Double(shared) / Double(union) : 0
    }

    /// The same place on a picture of another size, grown to whole pixels and kept inside it.
    public func scaled(fromWidth: Int, height fromHeight: Int, toWidth: Int, height toHeight: Int) -> Box {
        let horizontal = Double(toWidth) / Double(max(fromWidth, 1))
        let vertical = Double(toHeight) / Double(max(fromHeight, 1))
        return Box(
            x0: max(0, Int((Double(x0) * horizontal).rounded(.down))),
            y0: max(0, Int((Double(y0) * vertical).rounded(.down))),
            x1: min(toWidth, Int((Double(x1) * horizontal).rounded(.up))),
            y1: min(toHeight, Int((Double(y1) * vertical).rounded(.up))))
    }
}
