import NeuralNetwork

/// What the maps of a network in training teach it (docs/Method.md, section 3): labels of patches for the contrast,
/// labels of pixels for the decoder, regions for crops.
public struct PseudoLabels: Sendable, Hashable, Codable {
    /// Above: foreground.
    public var high: Float
    /// Below: background. Between the two nothing is known.
    public var low: Float
    public var refinement: PixelAdaptiveRefinement
    /// By how much images are made smaller for refinement.
    public var reduction: Int

    public init(
        high: Float = 0.75, low: Float = 0.25, refinement: PixelAdaptiveRefinement = PixelAdaptiveRefinement(),
        reduction: Int = 2
    ) {
        self.high = high
        self.low = low
        self.refinement = refinement
        self.reduction = reduction
    }

    /// The label of each number of `maps` (N,h,w,1): 1 above the high threshold, 0 up to the low one, else ignored. All 0
    /// where the image's own label is 0.
    public func labels(_ maps: Tensor, of images: [Int]) -> [UInt8] {
        let size = maps.count / max(1, images.count)
        return maps.withValues { maps in
            (0..<size * images.count).map { place in
                let value = images[place / size] == 1 ? maps[place] : 0
                return value > high ? 1 : value <= low ? 0 : ToCoLosses.ignored
            }
        }
    }

    /// The label of each pixel for the decoder. `maps` is N,H,W,1 in [0, 1], `images` N,H,W,3.
    ///
    /// The map beside a constant background of the high and of the low threshold, each pair made a softmax, is refined
    /// by the image's edges at reduced size; foreground in both is 1, background in both is 0, the rest is ignored.
    public func masks(_ maps: Tensor, images: Tensor, labels: [Int]) throws -> [UInt8] {
        let (height, width) = (images.shape[1], images.shape[2])
        let pass = ForwardPass(.evaluation)
        let size = height * width
        var result = [UInt8](repeating: 0, count: labels.count * size)
        for (image, label) in labels.enumerated() where label == 1 {
            let small = try pass.resized(
                images.rows(image..<image + 1), height: max(1, height / reduction), width: max(1, width / reduction),
                alignsCorners: false)
            let map = try pass.resized(
                maps.rows(image..<image + 1), height: small.shape[1], width: small.shape[2], alignsCorners: false)
            let refined = try refinement(images: small, masks: Self.softmaxed(map, backgrounds: [high, low]))
            let full = try pass.resized(refined, height: height, width: width, alignsCorners: false)
            full.withValues { full in
                for pixel in 0..<size {
                    // Background and foreground beside the high, then beside the low threshold.
                    let inHigh = full[4 * pixel + 1] > full[4 * pixel]
                    let inLow = full[4 * pixel + 3] > full[4 * pixel + 2]
                    result[image * size + pixel] = inHigh != inLow ? ToCoLosses.ignored : inHigh ? 1 : 0
                }
            }
        }
        return result
    }

    /// 1,h,w,2·backgrounds: for each background its share and the map's.
    private static func softmaxed(_ map: Tensor, backgrounds: [Float]) throws -> Tensor {
        try Tensor.filled([1, map.shape[1], map.shape[2], 2 * backgrounds.count]) { result in
            map.withValues { map in
                for (pixel, value) in map.enumerated() {
                    for (index, background) in backgrounds.enumerated() {
                        let share = Float(1 / (1 + Double.exponential(background - value)))
                        let place = 2 * (pixel * backgrounds.count + index)
                        (result[place], result[place + 1]) = (1 - share, share)
                    }
                }
            }
        }
    }
}
