import NeuralNetwork

/// Which parts of an image are contrasted with the whole: half of them around places that may show the finding, half
/// around background.
public struct LocalCrops: Sendable, Hashable, Codable {
    /// Pixels along a crop's side.
    public var side: Int
    /// Crops an image.
    public var count: Int
    /// A crop of which at least this share is not background is positive.
    public var positiveShare: Float

    public init(side: Int = 112, count: Int = 8, positiveShare: Float = 0.2) {
        self.side = side
        self.count = count
        self.positiveShare = positiveShare
    }

    /// Crops of the images with label 1, one after the other, and which of them belong to which image and how. `regions`
    /// has a label for each pixel (`PseudoLabels.labels`). nil where no image has label 1.
    func callAsFunction(
        _ images: Tensor, regions: [UInt8], labels: [Int], random: inout CounterRandom
    ) throws -> (crops: Tensor, groups: [ClassTokenContrast.Group])? {
        let (height, width) = (images.shape[1], images.shape[2])
        guard side <= height, side <= width, side > 0 else {
            throw EngineError(.invalidOption, "crops of \(side) pixels do not fit images of \(height)×\(width)")
        }
        var corners: [(image: Int, top: Int, left: Int)] = []
        var groups: [ClassTokenContrast.Group] = []
        for (image, label) in labels.enumerated() where label == 1 {
            let own = regions[image * height * width..<(image + 1) * height * width]
            let open = own.indices.filter { own[$0] != 0 }
            let background = own.indices.filter { own[$0] == 0 }
            var group = ClassTokenContrast.Group(whole: image, positives: [], negatives: [])
            for crop in 0..<count {
                let wanted = crop % 2 == 0 ? open : background
                let among = wanted.isEmpty ? Array(own.indices) : wanted
                let centre = among[Int(random.uniform() * Double(among.count))] - own.startIndex
                let top = min(max(0, centre / width - side / 2), height - side)
                let left = min(max(0, centre % width - side / 2), width - side)
                var seen = 0
                for y in top..<top + side {
                    for x in left..<left + side where own[own.startIndex + y * width + x] != 0 { seen += 1 }
                }
                if Float(seen) >= positiveShare * Float(side * side) {
                    group.positives.append(corners.count)
                } else {
                    group.negatives.append(corners.count)
                }
                corners.append((image, top, left))
            }
            groups.append(group)
        }
        guard !corners.isEmpty else { return nil }
        let crops = try corners.map {
            try images.part(ofImage: $0.image, top: $0.top, left: $0.left, height: side, width: side)
        }
        return (try Tensor.concatenated(crops), groups)
    }
}
