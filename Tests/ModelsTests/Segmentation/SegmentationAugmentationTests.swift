import Models
import NeuralNetwork
import Testing

@Suite struct SegmentationAugmentationTests {
    private func ramp(_ count: Int) throws -> (images: Tensor, masks: Tensor) {
        let numbers = (0..<count * 30).map(Float.init)
        let images = try Tensor(numbers.flatMap { [$0, -$0] }, shape: [count, 5, 6, 2])
        return (images, try Tensor(numbers, shape: [count, 5, 6, 1]))
    }

    @Test func nothingMovesWithoutRotationAndFlips() throws {
        let (images, masks) = try ramp(2)
        let moved = try SegmentationAugmentation(rotation: 0, flip: 0, black: [-1, -1])
            .moved(images: images, masks: masks, seed: 1)
        #expect(moved.images.values == images.values)
        #expect(moved.masks.values == masks.values)
    }

    @Test func bothFlipsTurnTheImageAround() throws {
        let (images, masks) = try ramp(1)
        let moved = try SegmentationAugmentation(rotation: 0, flip: 1, black: [-1, -1])
            .moved(images: images, masks: masks, seed: 1)
        #expect(moved.masks.values == masks.values.reversed())
    }

    @Test func imageAndMaskMoveAlike() throws {
        let (images, masks) = try ramp(8)
        let augmentation = SegmentationAugmentation(black: [-500, -600])
        let moved = try augmentation.moved(images: images, masks: masks, seed: 4)
        let (colours, shares) = (moved.images.values, moved.masks.values)
        var outside = 0
        for place in shares.indices {
            guard colours[2 * place] >= 0 else {
                #expect(colours[2 * place] == -500 && colours[2 * place + 1] == -600 && shares[place] == 0)
                outside += 1
                continue
            }
            #expect(colours[2 * place] == shares[place] && colours[2 * place + 1] == -shares[place])
            // No pixel comes from another image.
            #expect(Int(shares[place]) / 30 == place / 30)
        }
        #expect(outside > 0 && outside < shares.count / 2)
        #expect(try augmentation.moved(images: images, masks: masks, seed: 4).masks.values == shares)
        #expect(try augmentation.moved(images: images, masks: masks, seed: 5).masks.values != shares)
        #expect(throws: EngineError.self) { try augmentation.moved(images: masks, masks: masks, seed: 1) }
    }

    /// The image lies whole in the frame, at another size, and what is round about is black or the image mirrored.
    @Test func zoomMovesImageAndMaskAlike() throws {
        let (images, masks) = try ramp(16)
        var augmentation = SegmentationAugmentation(rotation: 0, flip: 0, black: [-500, -600])
        augmentation.zoom = 0.5...0.5
        let moved = try augmentation.moved(images: images, masks: masks, seed: 9)
        let (colours, shares) = (moved.images.values, moved.masks.values)
        for image in 0..<16 {
            let places = image * 30..<(image + 1) * 30
            let inside = places.filter { colours[2 * $0] != -500 }
            // Of 5 × 6 pixels 2 or 3 × 3 are left.
            #expect((6...9).contains(inside.count))
            for place in inside {
                #expect(colours[2 * place] == shares[place] && Int(shares[place]) / 30 == image)
            }
            #expect(places.filter { colours[2 * $0] == -500 }.allSatisfy { shares[$0] == 0 })
        }
        // Not all in one corner.
        #expect(Set((0..<16).map { image in (0..<30).first { colours[2 * (image * 30 + $0)] != -500 } }).count > 4)
        augmentation.mirrors = 1
        let mirrored = try augmentation.moved(images: images, masks: masks, seed: 9)
        #expect(mirrored.images.values.allSatisfy { $0 != -500 && $0 != -600 })
        #expect(zip(mirrored.masks.values.indices, mirrored.masks.values).allSatisfy { Int($1) / 30 == $0 / 30 })
        // Larger than the frame: a part of it, and nothing from outside.
        augmentation.mirrors = 0
        augmentation.zoom = 2...2
        let part = try augmentation.moved(images: images, masks: masks, seed: 9).images.values
        #expect(part.allSatisfy { $0 != -500 && $0 != -600 } && Set(part).count < images.values.count / 2)
    }

    /// What is round about the middle stays; what is not turns.
    @Test func rotationTurnsAboutTheMiddle() throws {
        let size = 41
        func mask(_ isInside: (Double, Double) -> Bool) throws -> Tensor {
            try Tensor.filled([4, size, size, 1]) { memory in
                for index in memory.indices {
                    let pixel = index % (size * size)
                    memory[index] = isInside(Double(pixel % size) - 20, Double(pixel / size) - 20) ? 1 : 0
                }
            }
        }
        let augmentation = SegmentationAugmentation(flip: 0, black: [0])
        func changed(_ mask: Tensor) throws -> Int {
            let moved = try augmentation.moved(images: mask, masks: mask, seed: 3)
            #expect(moved.images.values == moved.masks.values)
            return zip(moved.masks.values, mask.values).filter { $0 != $1 }.count
        }
        // Of about 4 · 707 pixels inside, those along the circle may change.
        #expect(try changed(mask { $0 * $0 + $1 * $1 < 225 }) < 4 * 94)
        let bar = try mask { abs($0) < 16 && abs($1) < 4 }
        #expect(try changed(bar) > 200)
        let turned = try augmentation.moved(images: bar, masks: bar, seed: 3).masks.values
        #expect(abs(turned.reduce(0, +) - bar.values.reduce(0, +)) < 60)
    }
}
