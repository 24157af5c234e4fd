import Foundation

/// Random changes to a training image, drawn from a seed: the same image, seed and settings give the same pixels.
///
/// In this order, each only when set: affine map, resized crop, resize to the network's input (or more, and a window of
/// its size), flips, colour jitter, grey.
public struct Augmentation: Sendable, Hashable {
    /// torchvision's `RandomResizedCrop`: a share of the area and an aspect ratio, both drawn, cut out anywhere.
    public struct ResizedCrop: Sendable, Hashable {
        /// Uniform share of the area, within 0…1.
        public var area: ClosedRange<Double>
        /// Width over height, uniform in its logarithm, positive.
        public var ratio: ClosedRange<Double>

        public init(area: ClosedRange<Double> = 0.75...1, ratio: ClosedRange<Double> = 0.75...4 / 3) {
            self.area = area
            self.ratio = ratio
        }
    }

    public var horizontalFlip = 0.0
    public var verticalFlip = 0.0
    public var crop: ResizedCrop?
    public var affine: AffineAugmentation?
    public var jitter: ColourJitter?
    /// The probability of the jitter, and that of a picture in shades of grey.
    public var jitterChance = 1.0
    public var greyChance = 0.0
    /// At 1 or more: the picture is resized to so many times the network's input, and a window of the input's size is cut
    /// out of it anywhere.
    public var enlargement: Double?

    /// Only a resize.
    public static let none = Augmentation()

    /// For bag learning: flips both ways, mild crop and colours; a polyp at the edge stays in the view.
    public static let mild: Augmentation = {
        var result = Augmentation()
        result.horizontalFlip = 0.5
        result.verticalFlip = 0.5
        result.crop = ResizedCrop(area: 0.8...1, ratio: 0.9...1 / 0.9)
        result.jitter = ColourJitter(brightness: 0.2, contrast: 0.2, saturation: 0.2, hue: 0.02)
        return result
    }()

    /// For the optical biopsy (docs/Method.md): crop 0.75–1, flips, affine, colour jitter 0.4, 0.4, 0.4, 0.1.
    public static let opticalBiopsy: Augmentation = {
        var result = Augmentation()
        result.horizontalFlip = 0.5
        result.verticalFlip = 0.5
        result.crop = ResizedCrop(area: 0.75...1, ratio: 0.75...1.33)
        result.affine = AffineAugmentation(translation: 0.1, scale: 0.8...1.2, shearInDegrees: 10)
        result.jitter = ColourJitter(brightness: 0.4, contrast: 0.4, saturation: 0.4, hue: 0.1)
        return result
    }()

    /// For ToCo (docs/Method.md, section 3): resized to 568, a window of 448, a flip, colour jitter 0.4, 0.4, 0.2, 0.1,
    /// grey.
    public static let localisation: Augmentation = {
        var result = Augmentation()
        result.enlargement = 568.0 / 448
        result.horizontalFlip = 0.5
        result.jitter = ColourJitter(brightness: 0.4, contrast: 0.4, saturation: 0.2, hue: 0.1)
        result.jitterChance = 0.8
        result.greyChance = 0.2
        return result
    }()

    public init() {}

    /// The side that a picture is resized to for an input of `side` pixels.
    public func resizedSide(for side: Int) -> Int { Int((Double(side) * max(1, enlargement ?? 1)).rounded()) }

    /// The changed picture at the size that the network wants, resized as Pillow's bilinear does.
    public func apply(_ image: Image8, width: Int, height: Int, seed: UInt64) throws -> Image8 {
        var generator = SeededGenerator(seed: seed)
        var result = image
        if let affine { result = affine.apply(result, using: &generator) }
        if let crop { result = try result.cropped(to: Self.draw(crop, in: result, using: &generator)) }
        result = try result.resized(
            width: resizedSide(for: width), height: resizedSide(for: height), filter: .bilinear)
        if enlargement != nil {
            let x = generator.integer(0...(result.width - width)), y = generator.integer(0...(result.height - height))
            result = try result.cropped(to: Box(x: x, y: y, width: width, height: height))
        }
        if horizontalFlip > 0, generator.chance(horizontalFlip) { result = result.flippedHorizontally() }
        if verticalFlip > 0, generator.chance(verticalFlip) { result = result.flippedVertically() }
        if let jitter, jitterChance >= 1 || generator.chance(jitterChance) {
            result = jitter.apply(result, using: &generator)
        }
        if greyChance > 0, generator.chance(greyChance) { result = result.grey().rgb() }
        return result
    }

    /// Ten tries; then the largest centred cut whose ratio is allowed.
    private static func draw(_ crop: ResizedCrop, in image: Image8, using generator: inout SeededGenerator) -> Box {
        let (width, height) = (Double(image.width), Double(image.height))
        for _ in 0..<10 {
            let area = width * height * generator.uniform(crop.area)
            let ratio = exp(generator.uniform(log(crop.ratio.lowerBound)...log(crop.ratio.upperBound)))
            let (columns, rows) = (
                Int((area * ratio).squareRoot().rounded()), Int((area / ratio).squareRoot().rounded())
            )
            if columns > 0, columns <= image.width, rows > 0, rows <= image.height {
                let y = generator.integer(0...(image.height - rows))
                let x = generator.integer(0...(image.width - columns))
                return Box(x: x, y: y, width: columns, height: rows)
            }
        }
        let ratio = min(max(width / height, crop.ratio.lowerBound), crop.ratio.upperBound)
        let columns = max(1, min(image.width, Int((height * ratio).rounded())))
        let rows = max(1, min(image.height, Int((width / ratio).rounded())))
        return Box(x: (image.width - columns) / 2, y: (image.height - rows) / 2, width: columns, height: rows)
    }
}
