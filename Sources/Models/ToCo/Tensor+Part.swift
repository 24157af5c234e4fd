import NeuralNetwork

extension Tensor {
    /// A part of one image of N,H,W,C, copied: 1, height, width, C. It must lie within the image.
    func part(ofImage image: Int, top: Int, left: Int, height: Int, width: Int) throws -> Tensor {
        let (rows, columns, channels) = (shape[1], shape[2], shape[3])
        return try Tensor.filled([1, height, width, channels]) { result in
            withValues { values in
                for y in 0..<height {
                    let first = ((image * rows + top + y) * columns + left) * channels
                    for offset in 0..<width * channels { result[y * width * channels + offset] = values[first + offset] }
                }
            }
        }
    }
}
