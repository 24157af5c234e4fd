import Imaging
import Testing

@Suite struct RegionTests {
    /// A mask from lines of text, `#` for its pixels.
    private func mask(_ rows: String...) throws -> Mask {
        try Mask(width: rows[0].count, height: rows.count, bits: rows.joined().map { $0 == "#" })
    }

    @Test func cornersConnectAndOrderIsByRows() throws {
        let found = ConnectedComponents(
            of: try mask(
                ".....#..",
                "##...#..",
                "..#.....",
                "...#..##",
                "......##"))
        #expect(
            found.components.map(\.box) == [
                Box(x0: 5, y0: 0, x1: 6, y1: 2), Box(x0: 0, y0: 1, x1: 4, y1: 4), Box(x0: 6, y0: 3, x1: 8, y1: 5),
            ])
        #expect(found.components.map(\.area) == [2, 4, 4])
        let touching = found.components.filter(\.touchesBorder)
        #expect(touching.count == 3)
        #expect(found.largestByBox?.area == 4 && found.largestByBox?.box.x0 == 0)
        #expect(found.mask(of: 1).boundingBox == found.components[1].box)
        #expect(found.mask(of: 1).area == 4)
    }

    @Test func shapes() throws {
        // A ring with a hole, a notch open at a corner, and a speck with a hole of its own.
        let drawn = try mask(
            "..........",
            ".####.....",
            ".#..#..###",
            ".#..#..#.#",
            ".####..###",
            ".#.#......",
            "..#.......")
        let ring = try mask(
            "..........",
            ".####.....",
            ".####.....",
            ".####.....",
            ".####.....",
            ".#.#......",
            "..#.......")
        #expect(drawn.shaped(.drawn) == drawn)
        #expect(drawn.shaped(.largest).area == drawn.area - 8)
        #expect(drawn.shaped(.solid) == ring)
        #expect(drawn.shaped(.filled).area == ring.area + 9)
        // Ground that reaches the border is no hole, nor what leaks out at a corner.
        let open = try mask("###", "#.#", "#.#")
        let leaking = try mask("###.", "#.#.", "##..", "....")
        #expect(open.shaped(.solid) == open && leaking.shaped(.solid) == leaking)
        let empty = try mask("...", "...")
        #expect(MaskShape.allCases.allSatisfy { empty.shaped($0) == empty })
    }

    @Test func branchesThatMeetLaterAreOne() throws {
        let found = ConnectedComponents(
            of: try mask(
                ".........",
                ".#.#.#.#.",
                ".#.#.#.#.",
                ".#######.",
                "........."))
        #expect(found.components == ConnectedComponents(of: found.mask(of: 0)).components)
        #expect(found.components.count == 1 && found.components[0].area == 15)
        #expect(!found.components[0].touchesBorder)
        #expect(try ConnectedComponents(of: mask("...", "...")).components.isEmpty)
        #expect(try ConnectedComponents(of: mask("...", "...")).largestByBox == nil)
    }

    /// Against flood fill on random masks of every density.
    @Test func agreesWithFloodFill() throws {
        var generator = SeededGenerator(seed: 5)
        for round in 0..<60 {
            let (width, height) = (generator.integer(1...30), generator.integer(1...30))
            let density = Double(round) / 60
            let mask = try Mask(
                width: width, height: height, bits: (0..<width * height).map { _ in generator.chance(density) })
            var seen = [Bool](repeating: false, count: width * height)
            var expected: [Component] = []
            for start in 0..<width * height where mask.bits[start] && !seen[start] {
                var open = [start]
                seen[start] = true
                var (box, area) = (Box(x: start % width, y: start / width, width: 1, height: 1), 0)
                while let place = open.popLast() {
                    let (x, y) = (place % width, place / width)
                    area += 1
                    box = Box(x0: min(box.x0, x), y0: min(box.y0, y), x1: max(box.x1, x + 1), y1: max(box.y1, y + 1))
                    for ny in max(0, y - 1)...min(height - 1, y + 1) {
                        for nx in max(0, x - 1)...min(width - 1, x + 1)
                        where mask[x: nx, y: ny] && !seen[ny * width + nx] {
                            seen[ny * width + nx] = true
                            open.append(ny * width + nx)
                        }
                    }
                }
                let touches = box.x0 == 0 || box.y0 == 0 || box.x1 == width || box.y1 == height
                expected.append(Component(box: box, area: area, touchesBorder: touches))
            }
            #expect(ConnectedComponents(of: mask).components == expected)
        }
    }

    @Test func runLengthsGoDownTheColumns() throws {
        let mask = try mask(
            "#..",
            "##.")
        let runs = RunLengthMask(mask)
        #expect(runs.counts == [0, 2, 1, 1, 2])
        #expect(runs.area == 3 && runs.mask() == mask)
        #expect(try RunLengthMask(self.mask("...")).counts == [3])
        #expect(try RunLengthMask(self.mask("###")).counts == [0, 3])
        #expect(try RunLengthMask(width: 3, height: 2, counts: [0, 2, 1, 1, 2]) == runs)
    }

    @Test func wrongRunLengthsAreRefused() {
        for counts in [[5], [7], [3, -1, 4], [], [Int.max, Int.max], [2, 2, 3]] {
            #expect(throws: ImagingError.self, "\(counts)") { try RunLengthMask(width: 3, height: 2, counts: counts) }
        }
        #expect(throws: ImagingError.self) { try RunLengthMask(width: 0, height: 2, counts: [0]) }
        #expect(throws: ImagingError.self) { try RunLengthMask(width: Int.max, height: 2, counts: [0]) }
    }

    @Test func runLengthsRoundTrip() throws {
        var generator = SeededGenerator(seed: 9)
        for _ in 0..<50 {
            let (width, height) = (generator.integer(1...20), generator.integer(1...20))
            let mask = try Mask(
                width: width, height: height, bits: (0..<width * height).map { _ in generator.chance(0.4) })
            let runs = RunLengthMask(mask)
            #expect(try RunLengthMask(width: width, height: height, counts: runs.counts).mask() == mask)
            #expect(runs.area == mask.area)
        }
    }

    @Test func boxes() {
        let (one, other) = (Box(x0: 0, y0: 0, x1: 4, y1: 4), Box(x0: 2, y0: 2, x1: 6, y1: 4))
        #expect(one.intersectionOverUnion(other) == 4.0 / 20)
        #expect(one.intersectionOverUnion(Box(x: 9, y: 9, width: 2, height: 2)) == 0)
        #expect(Box(x: 1, y: 1, width: 0, height: 5).intersectionOverUnion(Box(x: 1, y: 1, width: 0, height: 5)) == 0)
        #expect(one.scaled(fromWidth: 8, height: 8, toWidth: 12, height: 6) == Box(x0: 0, y0: 0, x1: 6, y1: 3))
        #expect(
            Box(x0: 1, y0: 1, x1: 3, y1: 3).scaled(fromWidth: 4, height: 4, toWidth: 6, height: 6)
                == Box(x0: 1, y0: 1, x1: 5, y1: 5))
    }

    @Test func masksFromPicturesAndMaps() throws {
        let image = try Image8(width: 3, height: 1, channels: 1, pixels: [127, 128, 255])
        #expect(Mask(image).bits == [false, true, true])
        #expect(Mask(image).image().pixels == [0, 255, 255])
        let map = try FloatImage(width: 2, height: 1, channels: 2, values: [0.6, 0, 0.5, 1])
        #expect(Mask(map, above: 0.5).bits == [true, false])
        #expect(throws: ImagingError.self) { try Mask(width: 2, height: 2, bits: [true]) }
        #expect(try image.cropped(to: Box(x0: 1, y0: 0, x1: 3, y1: 1)).pixels == [128, 255])
        #expect(throws: ImagingError.self) { try image.cropped(to: Box(x0: 1, y0: 0, x1: 4, y1: 1)) }
    }
}
