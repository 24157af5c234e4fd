/// What is to be segmented: any of points, one box and a mask of before.
public struct SegmentationPrompt: Sendable, Hashable {
    /// A place that lies on the object, or beside it.
    public struct Point: Sendable, Hashable {
        public var x: Float
        public var y: Float
        public var isOnObject: Bool

        public init(x: Float, y: Float, isOnObject: Bool = true) {
            self.x = x
            self.y = y
            self.isOnObject = isOnObject
        }
    }

    /// Left, top, right and bottom border.
    public struct Box: Sendable, Hashable {
        public var left: Float
        public var top: Float
        public var right: Float
        public var bottom: Float

        public init(left: Float, top: Float, right: Float, bottom: Float) {
            self.left = left
            self.top = top
            self.right = right
            self.bottom = bottom
        }
    }

    public var points: [Point]
    public var box: Box?
    /// Logits of a mask that was predicted before, row by row, as in `MaskPrediction.lowResolution`.
    public var mask: [Float]?

    /// Coordinates are pixels of the image as it was given, its left upper corner (0, 0).
    public init(points: [Point] = [], box: Box? = nil, mask: [Float]? = nil) {
        self.points = points
        self.box = box
        self.mask = mask
    }

    /// Coordinates times a factor for each axis.
    func scaled(x: Float, y: Float) -> SegmentationPrompt {
        SegmentationPrompt(
            points: points.map { Point(x: $0.x * x, y: $0.y * y, isOnObject: $0.isOnObject) },
            box: box.map { Box(left: $0.left * x, top: $0.top * y, right: $0.right * x, bottom: $0.bottom * y) },
            mask: mask)
    }
}
