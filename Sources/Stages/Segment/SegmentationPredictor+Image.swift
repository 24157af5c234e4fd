import Imaging
import Models
import NeuralNetwork

extension SegmentationPredictor {
    /// What the network says of an image, for each pixel of `width` × `height` how much it belongs to a polyp, 0…1. The network
    /// sees it as a square of `side` pixels.
    /// - Parameter image: three channels.
    /// - Throws: `EngineError.notFinite` where it says no numbers.
    func map(of image: Image8, side: Int, width: Int, height: Int) throws -> FloatImage {
        let square = try image.resized(width: side, height: side, filter: .bilinear)
        let tensor = try Tensor.images(rgb: square.pixels, count: 1, height: side, width: side, normalisation: .imageNet)
        let values = try self(tensor, height: height, width: width).values
        guard values.allSatisfy(\.isFinite) else {
            throw EngineError(.notFinite, "its prediction holds no numbers; look at the image, then at the model")
        }
        return try FloatImage(width: width, height: height, values: values)
    }
}
