import Foundation
import Imaging
import Models

/// The class activation map of one image, joined over scales and mirrored views, at the image's own size.
package struct HeatMap {
    let scorer: MILScorer
    let settings: CAMSettings
    /// Side of the network's input at scale 1.
    let side: Int

    /// From the baseline to the highest number normalised to 0…1; all zero where nothing speaks for a polyp. Nil when the network gave no number.
    func map(of image: Image8) throws -> FloatImage? {
        var sum = [Float](repeating: 0, count: image.width * image.height)
        for scale in settings.scales {
            let size = max(32, Int((Double(side) * scale / 32).rounded()) * 32)
            let square = try image.resized(width: size, height: size, filter: .bilinear)
            guard let joined = try joinedViews(of: square) else { return nil }
            let ground = ground(of: joined)
            let highest = (joined.values.max() ?? 0) - ground
            guard highest > 0 else { continue }
            // Each scale counts alike: the network's own units differ with the number of positions.
            let large = try joined.interpolated(
                width: image.width, height: image.height, mode: .bilinear(alignCorners: false))
            for place in sum.indices { sum[place] += (large.values[place] - ground) / highest }
        }
        let low = settings.baseline == .median ? Self.median(sum) : sum.min() ?? 0
        let high = sum.max() ?? 0
        guard high > low else { return try FloatImage(width: image.width, height: image.height, values: sum.map { _ in 0 }) }
        return try FloatImage(width: image.width, height: image.height, values: sum.map { max(0, $0 - low) / (high - low) })
    }

    /// What counts as nothing. What a position says of class 1 has no such number of its own: the lowest of the image stands
    /// for it.
    private func ground(of map: FloatImage) -> Float {
        if settings.map == .local { return map.values.min() ?? 0 }
        return settings.baseline == .median ? Self.median(map.values) : 0
    }

    private static func median(_ values: [Float]) -> Float { values.isEmpty ? 0 : values.sorted()[values.count / 2] }

    /// The views of one scale at the network's resolution, turned back and joined.
    private func joinedViews(of square: Image8) throws -> FloatImage? {
        var joined: FloatImage?
        for view in MirroredView.first(settings.views) {
            let picture = view.of(square)
            let seen =
                try settings.map == .local
                ? scorer.localMap(rgb: picture.pixels, height: picture.height, width: picture.width)
                : scorer.activationMap(
                    rgb: picture.pixels, height: picture.height, width: picture.width, keepsNegative: settings.baseline == .median)
            guard seen.values.allSatisfy(\.isFinite) else { return nil }
            var values = view.undone(seen.values, width: seen.width, height: seen.height)
            if let before = joined?.values {
                for place in values.indices {
                    values[place] =
                        settings.merge == .max ? max(values[place], before[place]) : values[place] + before[place]
                }
            }
            joined = try FloatImage(width: seen.width, height: seen.height, values: values)
        }
        return joined
    }
}
