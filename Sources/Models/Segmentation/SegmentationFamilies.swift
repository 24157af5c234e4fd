/// The segmentation networks that there are.
public enum SegmentationFamilies {
    /// A line each. Where nothing says which is meant, it is the first.
    public static let all: [any SegmentationFamily] = [
        PolypPVTFamily(),
        UNetFamily(),
        EfficientUNetFamily(),
    ]
}
