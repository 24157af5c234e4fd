import Imaging

/// Which boxes are worth learning from (docs/Method.md, section 4).
package struct BoxFilter: Sendable, Hashable {
    /// Boxes are kept from this share of the image's area to that one, exclusive both …
    package var minimumArea = 0.01
    package var maximumArea = 0.35
    /// … with at most this many components of foreground …
    package var maximumComponents = 2
    /// … and, if so said, nothing at the image's border.
    package var refusesBorder = true

    package init(
        minimumArea: Double = 0.01, maximumArea: Double = 0.35, maximumComponents: Int = 2, refusesBorder: Bool = true
    ) {
        self.minimumArea = minimumArea
        self.maximumArea = maximumArea
        self.maximumComponents = maximumComponents
        self.refusesBorder = refusesBorder
    }

    /// What is wrong with it, each as the end of a sentence.
    var faults: [String] {
        (minimumArea >= 0 && minimumArea < maximumArea && maximumArea <= 1 ? [] : ["minimumArea lies below maximumArea, both shares"])
            + (maximumComponents >= 1 ? [] : ["maximumComponents is at least 1"])
    }
}

/// Settings of a stage that filters boxes; each field stands among the stage's own.
protocol FiltersBoxes {
    var minimumArea: Double { get }
    var maximumArea: Double { get }
    var maximumComponents: Int { get }
    var refusesBorder: Bool { get }
}

extension FiltersBoxes {
    var filter: BoxFilter {
        BoxFilter(
            minimumArea: minimumArea, maximumArea: maximumArea, maximumComponents: maximumComponents,
            refusesBorder: refusesBorder)
    }
}

/// From a map's foreground to its box, and whether the box is worth prompting with (docs/Method.md, section 4).
package struct BoxChoice {
    package var box: Box?
    package var areaShare = 0.0
    package var rejection: String?

    package init(of mask: Mask, filter: BoxFilter) {
        let found = ConnectedComponents(of: mask)
        guard let largest = found.largestByBox else {
            rejection = "no-foreground"
            return
        }
        box = largest.box
        areaShare = Double(largest.box.area) / Double(mask.width * mask.height)
        if areaShare <= filter.minimumArea {
            rejection = "too-small"
        } else if areaShare >= filter.maximumArea {
            rejection = "too-large"
        } else if filter.refusesBorder, found.components.contains(where: \.touchesBorder) {
            rejection = "touches-border"
        } else if found.components.count > filter.maximumComponents {
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

    /// The map over its image, with the box: yellow where it is kept, blue where not.
    func overlay(of map: FloatImage, on image: Image8) throws -> Image8 {
        var overlay = try image.overlaid(with: map)
        if let box { overlay.draw(box, rejection == nil ? .prediction : .mistake) }
        return overlay
    }
}

extension ImageTally {
    /// The numbers of boxes, besides others: how many were kept, and how many were rejected by reason.
    func withBoxes(_ numbers: [String: Double]) -> [String: Double] {
        var numbers = numbers
        numbers["kept"] = self["kept"]
        for (name, sum) in sums where name.hasPrefix("rejected.") { numbers[name] = sum }
        return numbers
    }
}
