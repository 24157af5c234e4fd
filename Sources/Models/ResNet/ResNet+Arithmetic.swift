import NeuralNetwork

extension ResNet {
    /// Floating-point operations of one image's convolutions, a multiplication and an addition each counted as one.
    public func operations(height: Int, width: Int) -> Double {
        var (h, w) = (height, width)
        var total = 0.0
        func add(_ convolution: Conv2d, _ h: Int, _ w: Int) -> (Int, Int) {
            let kernel = convolution.weight.shape[2]
            let (outH, outW) = (
                convolution.geometry.outputExtent(h, kernel: kernel), convolution.geometry.outputExtent(w, kernel: kernel)
            )
            total += 2 * Double(outH * outW) * Double(convolution.weight.count)
            return (outH, outW)
        }
        (h, w) = add(stemConvolution, h, w)
        let pool = ConvolutionGeometry(stride: 2, padding: 1)
        (h, w) = (pool.outputExtent(h, kernel: 3), pool.outputExtent(w, kernel: 3))
        for block in layers.joined() {
            if let projection = block.projection { _ = add(projection.convolution, h, w) }
            for convolution in block.convolutions { (h, w) = add(convolution, h, w) }
        }
        return total
    }
}
