import Imaging

/// From a map's foreground to its box, and whether the box is worth prompting with (METHOD.md, section 4).
package struct BoxChoice {
    package var box: Box?
    package var areaShare = 0.0
    package var rejection: String?

    package init(of mask: Mask, settings: CAMSettings) {
        let found = ConnectedComponents(of: mask)
        guard let largest = found.largestByBox else {
            rejection = "no-foreground"
            return
        }
        box = largest.box
        areaShare = Double(largest.box.area) / Double(mask.width * mask.height)
        if areaShare <= settings.minimumArea {
            rejection = "too-small"
        } else if areaShare >= settings.maximumArea {
            rejection = "too-large"
        } else if settings.refusesBorder, found.components.contains(where: \.touchesBorder) {
            rejection = "touches-border"
        } else if found.components.count > settings.maximumComponents {
            rejection = "too-many-components"
        }
    }

    func row(centre: String, study: String, image: String) -> ResultRow {
        .box(
            .init(
                centre: centre, study: study, image: image,
                rectangle: box.map { .init(x0: $0.x0, y0: $0.y0, x1: $0.x1, y1: $0.y1) }, areaShare: areaShare,
                isKept: rejection == nil, rejection: rejection))
    }
}
