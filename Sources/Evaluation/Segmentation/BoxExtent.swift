/// A box in pixels, from `x`, `y` (inclusive) to `x + width`, `y + height` (exclusive).
public struct BoxExtent: Sendable, Hashable, Codable {
    public var x: Double
    public var y: Double
    public var width: Double
    public var height: Double

    public init(x: Double, y: Double, width: Double, height: Double) {
        self.x = x
        self.y = y
        self.width = width
        self.height = height
    }

    public var area: Double { max(0, width) * max(0, height) }

    /// Intersection over union with another box; 0 where both have no area.
    public func intersectionOverUnion(with other: BoxExtent) -> Double {
        let overlapWidth = min(x + width, other.x + other.width) - max(x, other.x)
        let overlapHeight = min(y + height, other.y + other.height) - max(y, other.y)
        let overlap = max(0, overlapWidth) * max(0, overlapHeight)
        let union = area + other.area - overlap
        return union > 0 ? overlap / union : 0
    }
}
