import Imaging
import Stages
import Testing

@Suite struct BoxChoiceTests {
    /// A mask of 40×30 with filled rectangles: x0, y0, x1, y1.
    private func mask(_ boxes: [(Int, Int, Int, Int)]) throws -> Mask {
        var mask = try Mask(width: 40, height: 30, bits: [Bool](repeating: false, count: 1200))
        for (x0, y0, x1, y1) in boxes { for y in y0..<y1 { for x in x0..<x1 { mask[x: x, y: y] = true } } }
        return mask
    }

    @Test(
        arguments: [
            ([], nil, "no-foreground"),
            ([(5, 5, 15, 15)], Box(x0: 5, y0: 5, x1: 15, y1: 15), nil),
            ([(5, 5, 8, 9)], Box(x0: 5, y0: 5, x1: 8, y1: 9), "too-small"),
            ([(1, 1, 36, 28)], Box(x0: 1, y0: 1, x1: 36, y1: 28), "too-large"),
            ([(0, 5, 10, 15)], Box(x0: 0, y0: 5, x1: 10, y1: 15), "touches-border"),
            ([(5, 5, 15, 15), (20, 29, 22, 30)], Box(x0: 5, y0: 5, x1: 15, y1: 15), "touches-border"),
            ([(5, 5, 15, 15), (20, 5, 24, 9)], Box(x0: 5, y0: 5, x1: 15, y1: 15), nil),
            ([(5, 5, 15, 15), (20, 5, 24, 9), (30, 5, 33, 9)], Box(x0: 5, y0: 5, x1: 15, y1: 15), "too-many-components"),
        ] as [([(Int, Int, Int, Int)], Box?, String?)])
    func largestBoxAndTheReasonAgainstIt(boxes: [(Int, Int, Int, Int)], expected: Box?, rejection: String?) throws {
        let choice = BoxChoice(of: try mask(boxes), filter: BoxFilter())
        #expect(choice.box == expected)
        #expect(choice.rejection == rejection)
        if let expected { #expect(abs(choice.areaShare - Double(expected.area) / 1200) < 1e-12) }
    }

    @Test func filtersFollowTheSettings() throws {
        var settings = BoxFilter()
        settings.refusesBorder = false
        settings.minimumArea = 0.001
        #expect(BoxChoice(of: try mask([(0, 0, 2, 2)]), filter: settings).rejection == nil)
    }

    @Test func overlapIsWithTheBestFittingPolyp() throws {
        let truth = try mask([(2, 2, 12, 12), (20, 10, 30, 20), (38, 28, 39, 29)])
        #expect(TruthComparison.bestOverlap(of: Box(x0: 20, y0: 10, x1: 30, y1: 20), with: truth) == 1)
        #expect(TruthComparison.bestOverlap(of: Box(x0: 2, y0: 2, x1: 12, y1: 22), with: truth) == 0.5)
        #expect(TruthComparison.bestOverlap(of: Box(x0: 38, y0: 28, x1: 39, y1: 29), with: truth) == 0, "a speck is no polyp")
        #expect(TruthComparison.bestOverlap(of: nil, with: truth) == 0)
    }
}
