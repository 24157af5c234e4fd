import Evaluation
import Testing

@Suite struct DistanceTransformTests {
    @Test func equalsTheDefinitionWithItsTies() {
        var state: UInt64 = 1
        for trial in 0..<200 {
            let (width, height) = (1 + trial % 13, 1 + trial % 7)
            let marked = (0..<width * height).map { _ -> Bool in
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                return Int(state >> 60) < trial % 16
            }
            let transform = DistanceTransform(to: marked, width: width, height: height)
            guard marked.contains(true) else {
                #expect(transform.squares.allSatisfy { $0 == 0 })
                continue
            }
            for index in marked.indices {
                // The nearest; of equals the smaller column, then the smaller row.
                let best =
                    marked.indices.filter { marked[$0] }.map { other -> (Int, Int, Int) in
                        let (dx, dy) = (other % width - index % width, other / width - index / width)
                        return (dx * dx + dy * dy, other % width, other / width)
                    }.min { $0 < $1 } ?? (0, 0, 0)
                #expect(Int(transform.squares[index]) == best.0)
                #expect(Int(transform.nearest[index]) == best.2 * width + best.1)
            }
        }
    }
}
