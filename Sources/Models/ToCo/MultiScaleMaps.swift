import NeuralNetwork

/// Class activation maps gathered over scales and mirror images (docs/Method.md, section 3).
public struct MultiScaleMaps: Sendable, Hashable, Codable {
    /// Relative sizes of the input, the first usually 1.
    public var scales: [Double]

    /// In training and validation.
    public static let training = MultiScaleMaps(scales: [1, 0.5, 0.75, 1.25, 1.5])
    /// When writing pseudo-labels.
    public static let writing = MultiScaleMaps(scales: [1, 0.5, 0.75, 1.25, 1.5, 1.75])

    public init(scales: [Double]) { self.scales = scales }

    /// Main and auxiliary maps of `images` (N,H,W,3), N,H,W,1 in [0, 1]; with the class logits of the first scale's
    /// images as they are.
    ///
    /// For each scale: the maps of the resized image and of its mirror image, brought to the image's size, the larger
    /// of the two at each pixel, negative numbers zero. Their sum over scales, less its minimum, over its maximum.
    func callAsFunction(
        _ network: ToCoNetwork, _ images: Tensor, _ pass: ForwardPass
    ) throws -> (maps: ToCoNetwork.ActivationMaps, logits: [Float]) {
        let (height, width) = (images.shape[1], images.shape[2])
        var sums: [Tensor] = []
        var logits: [Float] = []
        for scale in scales {
            let (h, w) = (Int(scale * Double(height)), Int(scale * Double(width)))
            guard h >= network.configuration.encoder.patch, w >= network.configuration.encoder.patch else {
                throw EngineError(
                    .shapeMismatch, "images of \(height)×\(width) are smaller than a patch at scale \(scale)")
            }
            let resized =
                (h, w) == (height, width) ? images : try pass.resized(images, height: h, width: w, alignsCorners: false)
            let both = try Tensor.concatenated([resized, resized.mirrored()])
            let features = try network.features(both, pass)
            if logits.isEmpty {
                logits = Array(try network.classLogits(features.map, pass).values.prefix(images.shape[0]))
            }
            let maps = try network.activationMaps(features, pass)
            let joined = try [maps.main, maps.auxiliary].map {
                try Self.joined(pass.resized($0, height: height, width: width, alignsCorners: false))
            }
            sums = sums.isEmpty ? joined : try zip(sums, joined).map { try pass.sum($0, $1) }
        }
        guard sums.count == 2 else { throw EngineError(.invalidOption, "maps over no scales: give at least one") }
        return (
            ToCoNetwork.ActivationMaps(main: try Self.normalised(sums[0]), auxiliary: try Self.normalised(sums[1])),
            logits
        )
    }

    /// The larger of a map and its mirror image's, which lie behind each other, mirrored back; at least zero.
    private static func joined(_ maps: Tensor) throws -> Tensor {
        let (images, width) = (maps.shape[0] / 2, maps.shape[2])
        return try Tensor.filled([images] + maps.shape.dropFirst()) { result in
            maps.withValues { maps in
                for line in 0..<result.count / width {
                    let (plain, mirrored) = (line * width, result.count + line * width)
                    for x in 0..<width {
                        result[plain + x] = max(0, max(maps[plain + x], maps[mirrored + width - 1 - x]))
                    }
                }
            }
        }
    }

    /// Each image's map, less its minimum, over its maximum.
    private static func normalised(_ maps: Tensor) throws -> Tensor {
        let size = maps.count / maps.shape[0]
        return try Tensor.filled(maps.shape) { result in
            maps.withValues { maps in
                for image in 0..<maps.count / size {
                    let map = maps[image * size..<(image + 1) * size]
                    let lowest = map.min() ?? 0
                    let highest = (map.max() ?? 0) - lowest
                    for place in map.indices { result[place] = (maps[place] - lowest) / (highest + 1e-5) }
                }
            }
        }
    }
}

extension Tensor {
    /// N,H,W,C with left and right exchanged.
    func mirrored() throws -> Tensor {
        let (width, channels) = (shape[2], shape[3])
        return try Tensor.filled(shape) { result in
            withValues { values in
                for line in 0..<count / (width * channels) {
                    let first = line * width * channels
                    for x in 0..<width {
                        for c in 0..<channels {
                            result[first + x * channels + c] = values[first + (width - 1 - x) * channels + c]
                        }
                    }
                }
            }
        }
    }
}
