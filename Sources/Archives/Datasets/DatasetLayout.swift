/// How a data set's files lie: a folder of images, and beside it one of masks.
struct DatasetLayout: Sendable, Hashable {
    /// For messages: "PraNet's TestDataset".
    var title: String
    /// Below the data set's folder; empty where the images lie in it. A `*` may be named by `masks`, `part` and so on.
    var images: PathPattern
    var masks: PathPattern
    /// A part of the set that is counted for itself, such as "sequences".
    var part: String?
    /// Which `*` is the centre, and which the group, from 1.
    var centre: Int?
    var group: Int?

    init(
        _ title: String, images: String, masks: String, part: String? = nil, centre: Int? = nil, group: Int? = nil
    ) {
        self.title = title
        self.images = PathPattern(images)
        self.masks = PathPattern(masks)
        self.part = part
        self.centre = centre
        self.group = group
    }

    /// The two folders, for messages.
    var words: String {
        func path(_ pattern: PathPattern) -> String {
            pattern.components.isEmpty
                ? "." : pattern.components.map { $0.split(separator: "|").first.map(String.init) ?? $0 }.joined(separator: "/")
        }
        return "`\(path(images))` with `\(path(masks))` (\(title))"
    }

    static let pranet = DatasetLayout("PraNet's TestDataset", images: "images|image", masks: "masks|mask")

    /// Whatever people call the two.
    static let usual = DatasetLayout(
        "images and masks",
        images: "images|image|imgs|img|frames|frame|original|originals|bbdd|pictures",
        masks: "masks|mask|gt|gts|groundtruth|ground truths|labels|label|annotations|segmentations|gtpolyp")
    /// One such pair a centre.
    static let byCentre = DatasetLayout(
        "a folder of images and masks a centre", images: "*/images|image|imgs|img|frames|original",
        masks: "$1/masks|mask|gt|ground truth|labels", centre: 1)
    /// Masks beside their images.
    static let together = DatasetLayout("masks beside their images, as NAME_mask.png", images: "", masks: "")
}
