import NeuralNetwork

/// What the encoder saw in an image: computed once, prompted any number of times, from any thread.
public struct ImageEmbedding: Sendable {
    /// grid · grid · channels numbers, row by row.
    public let values: [Float]
    /// Vectors along a side.
    public let grid: Int
    let geometry: ImageGeometry

    /// Pixels of the image as it was given; masks have as many.
    public var width: Int { geometry.width }
    public var height: Int { geometry.height }

    init(values: [Float], grid: Int, geometry: ImageGeometry) {
        self.values = values
        self.grid = grid
        self.geometry = geometry
    }

    /// An embedding (1, grid, grid, channels) that was made elsewhere, of an image of as many pixels as the input has.
    package init(_ tensor: Tensor, of side: (width: Int, height: Int)) {
        self.init(
            values: tensor.values, grid: tensor.shape[1],
            geometry: ImageGeometry(width: side.width, height: side.height, side: max(side.width, side.height)))
    }

    func tensor() throws -> Tensor {
        try Tensor(values, shape: [1, grid, grid, values.count / (grid * grid)])
    }
}
