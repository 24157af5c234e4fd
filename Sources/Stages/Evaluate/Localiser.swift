import Digest

/// A stage that says where in an image the polyp is, as evaluation knows it.
struct Localiser {
    /// Its name, which is the subject of its evaluation rows.
    var stage: String
    /// What stands in their column `head`.
    var head: String
    /// Kinds of its mask rows: the map in 256 levels, and its foreground; one and the same where masks are all there is.
    var map: String
    var mask: String
    /// Whether it draws boxes, on images that the student found. One that does not is measured on every image that shows
    /// a polyp and has a mask.
    var drawsBoxes: Bool

    static let all = [
        Localiser(
            stage: "cam", head: "student", map: "cam", mask: "cam-mask", drawsBoxes: true),
        Localiser(
            stage: ToCoCAMStage.stageName, head: "toco", map: "toco-cam",
            mask: "toco-cam-mask", drawsBoxes: true),
        Localiser(
            stage: SegmentAnythingStage.stageName, head: "sam", map: "sam-mask",
            mask: "sam-mask", drawsBoxes: false),
        Localiser(
            stage: SegmentStage.stageName, head: "polyp-pvt", map: "segment",
            mask: "segment-mask", drawsBoxes: false),
    ]

    static func named(_ stage: String) -> Localiser? { all.first { $0.stage == stage } }
}
