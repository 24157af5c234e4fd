import Models
import NeuralNetwork
import Testing

/// Values by hand or by PyTorch, gradients by finite differences. (Patch contrast and segmentation are golden, too.)
@Suite struct ToCoLossesTests {
    private static func numbers(_ count: Int, seed: UInt64) -> [Float] {
        var random = CounterRandom(seed: seed)
        return (0..<count).map { _ in Float(3 * random.uniform() - 1.5) }
    }

    /// Moves single numbers of a loss's input and compares with its gradient.
    private func check(shape: [Int], seed: UInt64 = 1, step: Float = 1e-2, _ loss: (Tensor) throws -> LossGradient) throws {
        let start = Self.numbers(shape.reduce(1, *), seed: seed)
        let gradient = try loss(Tensor(start, shape: shape)).gradient
        #expect(gradient.shape == shape)
        let values = gradient.values
        #expect(values.contains { abs($0) > 1e-4 })
        for place in stride(from: 0, to: start.count, by: max(1, start.count / 12)) {
            func moved(_ by: Float) throws -> Double {
                var numbers = start
                numbers[place] += by
                return Double(try loss(Tensor(numbers, shape: shape)).value)
            }
            let numeric = try (moved(step) - moved(-step)) / Double(2 * step)
            #expect(
                abs(numeric - Double(values[place])) < 2e-3 * max(0.05, abs(numeric)), "\(place): \(values[place]), numerically \(numeric)")
        }
    }

    private static let mask: [UInt8] = [0, 1, 1, 255, 0, 0, 255, 1, 0, 1, 0, 0]

    @Test func softMargin() throws {
        let loss = try ToCoLosses.softMargin(Tensor([0, 100, -100], shape: [3, 1]), labels: [1, 1, 1])
        #expect(abs(loss.value - (0.6931472 + 100) / 3) < 1e-4)
        #expect(loss.gradient.values.allSatisfy { $0.isFinite })
        try check(shape: [4, 2]) { try ToCoLosses.softMargin($0, labels: [1, 0, 0, 1, 1, 1, 0, 0]) }
        #expect(throws: EngineError.self) { try ToCoLosses.softMargin(Tensor.zeros([2, 1]), labels: [1]) }
    }

    @Test func segmentationCountsBothKindsAlike() throws {
        // One foreground pixel, undecided; many background pixels, certain.
        let logits = try Tensor(
            [0, 0] + [Float](repeating: 0, count: 6).enumerated().map { $0.offset % 2 == 0 ? 30 : -30 }, shape: [1, 2, 2, 2])
        #expect(abs(try ToCoLosses.segmentation(logits, labels: [1, 0, 0, 0]).value - 0.3465736) < 1e-5)
        #expect(try ToCoLosses.segmentation(logits, labels: [255, 255, 255, 255]).value == 0)
        try check(shape: [1, 3, 4, 2]) { try ToCoLosses.segmentation($0, labels: Self.mask) }
        #expect(throws: EngineError.self) { try ToCoLosses.segmentation(logits, labels: [1, 2, 0, 0]) }
    }

    /// PyTorch's autograd on the same formula.
    @Test func dice() throws {
        let logits = try Tensor([0.3, -1.2, 2.0, 0.1, -0.5, 0.8, 1.5, 1.0], shape: [1, 2, 2, 2])
        let loss = try ToCoLosses.dice(logits, labels: [0, 1, 1, 255])
        #expect(abs(loss.value - 0.32579157) < 1e-6)
        let theirs: [Float] = [-0.03470679, 0.03470679, 0.06500091, -0.06500091, 0.03869617, -0.03869617, 0, 0]
        for (a, b) in zip(loss.gradient.values, theirs) { #expect(abs(a - b) < 1e-6) }
        try check(shape: [1, 3, 4, 2]) { try ToCoLosses.dice($0, labels: Self.mask) }
        // A perfect answer costs next to nothing.
        let sure = try Tensor([20, -20, -20, 20], shape: [1, 1, 2, 2])
        #expect(try ToCoLosses.dice(sure, labels: [0, 1]).value < 1e-4)
    }

    @Test func patchContrast() throws {
        let labels = Array(Self.mask.prefix(10))
        try check(shape: [2, 5, 5]) { try ToCoLosses.patchContrast($0, labels: labels) }
        // Three patches: two of one label (cosine −0.5), one of the other (0.25 and 0).
        let cosines = try Tensor([1, -0.5, 0.25, -0.5, 1, 0, 0.25, 0, 1], shape: [1, 3, 3])
        let loss = try ToCoLosses.patchContrast(cosines, labels: [1, 1, 0])
        #expect(abs(loss.value - (0.5 * (1 - 1.0 / 3) + 0.5 * 0.5 / 5)) < 1e-6)
        #expect(try ToCoLosses.patchContrast(cosines, labels: [255, 255, 255]).value == 0.5)
        #expect(throws: EngineError.self) { try ToCoLosses.patchContrast(cosines, labels: [1, 1]) }
    }

    @Test func classTokenContrast() throws {
        let contrast = ClassTokenContrast()
        let teacher = try Tensor(Self.numbers(2 * 5, seed: 7), shape: [2, 5])
        let groups = [
            ClassTokenContrast.Group(whole: 0, positives: [0, 2], negatives: [1, 3]),
            ClassTokenContrast.Group(whole: 1, positives: [4], negatives: [5]),
        ]
        try check(shape: [6, 5]) { try contrast(teacher: teacher, student: $0, groups: groups) }
        // One positive like the whole, one negative at right angles: log(1 + e^(−1/τ)).
        let whole = try Tensor([1, 0], shape: [1, 2])
        let crops = try Tensor([1, 0, 0, 1], shape: [2, 2])
        let loss = try contrast(teacher: whole, student: crops, groups: [.init(whole: 0, positives: [0], negatives: [1])])
        #expect(abs(loss.value - 0.1269280) < 1e-6)
        #expect(try contrast(teacher: whole, student: crops, groups: [.init(whole: 0, positives: [0, 1], negatives: [])]).value == 0)
        #expect(throws: EngineError.self) {
            try contrast(teacher: whole, student: crops, groups: [.init(whole: 0, positives: [2], negatives: [])])
        }
    }

    @Test func denseEnergy() throws {
        let energy = DenseEnergy(weight: 1, distance: 0.5, colour: [0.5, 0.5, 0.5])
        let colours = try Tensor(Self.numbers(2 * 12 * 3, seed: 3), shape: [2, 3, 4, 3])
        try check(shape: [2, 3, 4, 2]) { try energy($0, colours: colours) }
        // A cut between unlike halves costs less than one through them.
        let halves = try Tensor((0..<16).flatMap { [Float](repeating: $0 % 4 < 2 ? 0 : 2, count: 3) }, shape: [1, 4, 4, 3])
        func cost(_ isForeground: (Int) -> Bool) throws -> Float {
            let logits = try Tensor((0..<16).flatMap { isForeground($0) ? [-5, 5] : [5, -5] as [Float] }, shape: [1, 4, 4, 2])
            return try energy(logits, colours: halves).value
        }
        #expect(try cost { $0 % 4 < 2 } < 0.1 * cost { $0 / 4 < 2 })
    }

    @Test func labelsFromMaps() throws {
        let labels = PseudoLabels(high: 0.75, low: 0.25)
        let maps = try Tensor([0.8, 0.5, 0.25, 0.9, 0.9, 0.9], shape: [2, 1, 3, 1])
        #expect(labels.labels(maps, of: [1, 0]) == [1, 255, 0, 0, 0, 0])
    }

    /// A map that is sure of a bright square: its pixels become foreground, those far away background.
    @Test func masksFromMaps() throws {
        let size = 48
        func isInside(_ place: Int) -> Bool { (12..<32).contains(place % size) && (12..<32).contains(place / size % size) }
        let images = try Tensor.filled([2, size, size, 3]) { memory in
            for place in memory.indices { memory[place] = isInside(place / 3) ? 1 : 0 }
        }
        let maps = try Tensor.filled([2, size, size, 1]) { memory in
            for place in memory.indices { memory[place] = isInside(place) ? 1 : 0 }
        }
        let masks = try PseudoLabels().masks(maps, images: images, labels: [1, 0])
        #expect(masks.count == 2 * size * size)
        #expect(masks[22 * size + 22] == 1 && masks[2 * size + 40] == 0)
        #expect(masks[(size * size)...].allSatisfy { $0 == 0 }, "an image without the finding is background all over")
        let inside = masks.prefix(size * size).enumerated().filter { $0.element == 1 }
        #expect(inside.filter { isInside($0.offset) }.count > 300 && inside.allSatisfy { isInside($0.offset) })
    }
}
