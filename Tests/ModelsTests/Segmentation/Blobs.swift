import Models
import NeuralNetwork

/// Two noisy images with a bright ellipse each, and their masks.
enum Blobs {
    /// Small operations wait for their threads longer than they take where the machine has other work to do.
    static func onOneThread(_ body: () throws -> Void) rethrows {
        let before = ComputeThreads.current
        ComputeThreads.set(1)
        defer { ComputeThreads.set(before) }
        try body()
    }

    static func make(size: Int) throws -> (images: Tensor, masks: Tensor) {
        let place = [(x: 0.35, y: 0.4, a: 0.2, b: 0.14), (x: 0.62, y: 0.6, a: 0.15, b: 0.22)]
        func isInside(_ image: Int, _ pixel: Int) -> Bool {
            let (x, y) = ((Double(pixel % size) + 0.5) / Double(size), (Double(pixel / size) + 0.5) / Double(size))
            let (dx, dy) = ((x - place[image].x) / place[image].a, (y - place[image].y) / place[image].b)
            return dx * dx + dy * dy < 1
        }
        let masks = try Tensor.filled([2, size, size, 1]) { memory in
            for index in memory.indices { memory[index] = isInside(index / (size * size), index % (size * size)) ? 1 : 0 }
        }
        var random = CounterRandom(seed: 9)
        let images = try Tensor.filled([2, size, size, 3]) { memory in
            for index in memory.indices {
                let pixel = index / 3
                let bright: Float = isInside(pixel / (size * size), pixel % (size * size)) ? 1 : -0.5
                memory[index] = bright + Float(random.uniform() - 0.5)
            }
        }
        return (images, masks)
    }

    /// The Dice coefficient of the pixels at or above one half.
    static func dice(_ shares: [Float], _ masks: [Float]) -> Double {
        var (both, sum) = (0.0, 0.0)
        for (share, mask) in zip(shares, masks) {
            let (seen, wanted) = (share >= 0.5, mask >= 0.5)
            if seen, wanted { both += 1 }
            sum += (seen ? 1 : 0) + (wanted ? 1 : 0)
        }
        return 2 * both / max(1, sum)
    }
}
