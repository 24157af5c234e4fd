import Foundation

/// Random changes to a training image, drawn from a seed: the same image, seed and settings give the same pixels.
///
/// In this order, each only when set: affine map, resized crop, resize to the network's input, flips, colour jitter.
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

    /// For the optical biopsy (METHOD.md): crop 0.75–1, flips, affine, colour jitter 0.4, 0.4, 0.4, 0.1.
    public static let opticalBiopsy: Augmentation = {
        var result = Augmentation()
        result.horizontalFlip = 0.5
        result.verticalFlip = 0.5
        result.crop = ResizedCrop(area: 0.75...1, ratio: 0.75...1.33)
        result.affine = AffineAugmentation(translation: 0.1, scale: 0.8...1.2, shearInDegrees: 10)
        result.jitter = ColourJitter(brightness: 0.4, contrast: 0.4, saturation: 0.4, hue: 0.1)
        return result
    }()

    public init() {}

    /// The changed picture at the size that the network wants, resized as Pillow's bilinear does.
    public func apply(_ image: Image8, width: Int, height: Int, seed: UInt64) throws -> Image8 {
        var generator = SeededGenerator(seed: seed)
        var result = image
        if let affine { result = affine.apply(result, using: &generator) }
        if let crop { result = try result.cropped(to: Self.draw(crop, in: result, using: &generator)) }
        result = try result.resized(width: width, height: height, filter: .bilinear)
        if horizontalFlip > 0, generator.chance(horizontalFlip) { result = result.flippedHorizontally() }
        if verticalFlip > 0, generator.chance(verticalFlip) { result = result.flippedVertically() }
        if let jitter { result = jitter.apply(result, using: &generator) }
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
