/// A connected patch of a mask.
public struct Component: Sendable, Hashable {
    public let box: Box
    /// Pixels that belong to it.
    public let area: Int
    /// Whether it reaches the first or last row or column of the mask.
    public let touchesBorder: Bool

    public init(box: Box, area: Int, touchesBorder: Bool) {
        self.box = box
        self.area = area
        self.touchesBorder = touchesBorder
    }
}

/// The 8-neighbour connected patches of a mask, in the order in which a reader of rows meets them.
///
/// Works on runs (stretches of a row): two runs of neighbouring rows are joined when they overlap or touch at a corner.
/// Linear in pixels; the union-find is by runs.
public struct ConnectedComponents: Sendable {
    public let components: [Component]
    private let width: Int
    private let height: Int
    private let runs: [Run]
    /// The component of each run.
    private let owners: [Int]

    private struct Run: Sendable {
        let y: Int
        let x0: Int
        let x1: Int
    }

    public init(of mask: Mask) {
        width = mask.width
        height = mask.height
        var runs: [Run] = []
        var parents: [Int] = []

        func root(_ index: Int) -> Int {
            var current = index
            while parents[current] != current {
                parents[current] = parents[parents[current]]
                current = parents[current]
            }
            return current
        }

        var previous = 0..<0
        mask.bits.withUnsafeBufferPointer { bits in
            for y in 0..<mask.height {
                let firstOfRow = runs.count
                var candidate = previous.lowerBound
                var x = 0
                let row = y * mask.width
                while x < mask.width {
                    guard bits[row + x] else {
                        x += 1
                        continue
                    }
                    let start = x
                    while x < mask.width, bits[row + x] { x += 1 }
                    let run = runs.count
                    runs.append(Run(y: y, x0: start, x1: x))
                    parents.append(run)
                    while candidate < previous.upperBound, runs[candidate].x1 < start { candidate += 1 }
                    var above = candidate
                    while above < previous.upperBound, runs[above].x0 <= x {
                        // The earlier root wins, so a component keeps the place of its first run.
                        let (one, other) = (root(above), root(run))
                        parents[max(one, other)] = min(one, other)
                        above += 1
                    }
                }
                previous = firstOfRow..<runs.count
            }
        }

        var numbers: [Int: Int] = [:]
        var owners: [Int] = []
        var boxes: [Box] = []
        var areas: [Int] = []
        owners.reserveCapacity(runs.count)
        for (index, run) in runs.enumerated() {
            let number = numbers[root(index)] ?? boxes.count
            if number == boxes.count {
                numbers[root(index)] = number
                boxes.append(Box(x0: run.x0, y0: run.y, x1: run.x1, y1: run.y + 1))
                areas.append(0)
            }
            owners.append(number)
            boxes[number].x0 = min(boxes[number].x0, run.x0)
            boxes[number].x1 = max(boxes[number].x1, run.x1)
            boxes[number].y1 = run.y + 1
            areas[number] += run.x1 - run.x0
        }
        components = zip(boxes, areas).map { box, area in
            Component(
                box: box, area: area,
                touchesBorder: box.x0 == 0 || box.y0 == 0 || box.x1 == mask.width || box.y1 == mask.height)
        }
        self.runs = runs
        self.owners = owners
    }

    /// The component whose bounding box is largest, the first of equals; nil when there is none.
    public var largestByBox: Component? {
        components.reduce(nil) { best, next in
            guard let best else { return next }
            return next.box.area > best.box.area ? next : best
        }
    }

    /// The pixels of one component, by its place in `components`.
    public func mask(of index: Int) -> Mask { mask { place, _ in place == index } }

    /// The pixels of all components that are wanted.
    public func mask(where isWanted: (Component) -> Bool) -> Mask { mask { _, component in isWanted(component) } }

    private func mask(_ isWanted: (Int, Component) -> Bool) -> Mask {
        let wanted = components.enumerated().map { isWanted($0.offset, $0.element) }
        var bits = [Bool](repeating: false, count: width * height)
        for (run, owner) in zip(runs, owners) where wanted[owner] {
            for x in run.x0..<run.x1 { bits[run.y * width + x] = true }
        }
        return Mask(uncheckedWidth: width, height: height, bits: bits)
    }
}

extension ConnectedComponents {
    /// The component that holds a pixel, alone; nothing where the pixel is ground.
    public func mask(around pixel: (x: Int, y: Int)) -> Mask {
        let run = runs.firstIndex { $0.y == pixel.y && $0.x0 <= pixel.x && pixel.x < $0.x1 }
        guard let run else {
            return Mask(uncheckedWidth: width, height: height, bits: [Bool](repeating: false, count: width * height))
        }
        return mask(of: owners[run])
    }
}
