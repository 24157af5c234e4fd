import Imaging
import Models
import NeuralNetwork

/// At which sizes, and in how many mirrored views, a segmentation network looks at an image. What it says each time is
/// averaged.
public struct SegmentationViews: Sendable, Hashable {
    /// As factors of the side at which the network was trained. Above 1, small polyps of a whole frame come to the size of
    /// those that it has learnt from.
    public var scales: [Double]
    /// 1 none but the image, 2 also left–right, 4 also upside down.
    public var mirrored: Int

    /// As the method looks: once.
    public static let once = SegmentationViews(scales: [1], mirrored: 1)

    public init(scales: [Double], mirrored: Int) {
        self.scales = scales
        self.mirrored = mirrored
    }

    /// What is wrong with them, for people.
    var faults: [String] {
        var faults: [String] = []
        if scales.isEmpty || !scales.allSatisfy({ (0.25...4).contains($0) }) { faults.append("scales are 0.25 to 4") }
        if ![1, 2, 4].contains(mirrored) { faults.append("views is 1, 2 or 4") }
        return faults
    }
}

extension SegmentationPredictor {
    /// What the network says of an image, for each pixel of `width` × `height` how much it belongs to a polyp, 0…1: the mean
    /// over the views. The network sees each as a square.
    /// - Parameters:
    ///   - image: three channels.
    ///   - side: of the square at scale 1, in pixels.
    /// - Throws: `EngineError.notFinite` where it says no numbers.
    package func map(of image: Image8, side: Int, views: SegmentationViews, width: Int, height: Int) throws -> FloatImage {
        let all = views.scales.flatMap { scale in MirroredView.first(views.mirrored).map { (scale, $0) } }
        var sum: [Float] = []
        for (scale, view) in all {
            let values = try seen(view, of: image, side: self.side(side, at: scale), width: width, height: height)
            if sum.isEmpty { sum = values } else { for place in sum.indices { sum[place] += values[place] } }
        }
        if all.count > 1 {
            let share = 1 / Float(all.count)
            for place in sum.indices { sum[place] *= share }
        }
        return try FloatImage(width: width, height: height, values: sum)
    }

    /// The side at a scale, which the network can take.
    private func side(_ side: Int, at scale: Double) -> Int {
        guard scale != 1 else { return side }
        let multiple = kind.family.sideMultiple
        return max(1, Int((Double(side) * scale / Double(multiple)).rounded())) * multiple
    }

    private func seen(_ view: MirroredView, of image: Image8, side: Int, width: Int, height: Int) throws -> [Float] {
        let square = view.of(try image.resized(width: side, height: side, filter: .bilinear))
        let tensor = try Tensor.images(rgb: square.pixels, count: 1, height: side, width: side, normalisation: .imageNet)
        let values = try self(tensor, height: height, width: width).values
        guard values.allSatisfy(\.isFinite) else {
            throw EngineError(.notFinite, "its prediction holds no numbers; look at the image, then at the model")
        }
        return view.undone(values, width: width, height: height)
    }
}
