import NeuralNetwork

/// Polyp-PVT's cascaded fusion module (CFM): the three deeper maps, each twice as large as the one before, made into
/// one of the largest size by products and concatenations.
final class CascadedFusion: Module {
    /// conv_upsample1 to 5 in the reference.
    let upsampled: [NormedConvolution]
    let joinsTwo: NormedConvolution
    let joinsThree: NormedConvolution
    let last: NormedConvolution

    init(channels c: Int) throws {
        upsampled = try (0..<5).map { try NormedConvolution($0 < 4 ? c : 2 * c, $0 < 4 ? c : 2 * c, kernel: 3) }
        joinsTwo = try NormedConvolution(2 * c, 2 * c, kernel: 3)
        joinsThree = try NormedConvolution(3 * c, 3 * c, kernel: 3)
        last = try NormedConvolution(3 * c, c, kernel: 3)
    }

    /// Maps of h, 2h and 4h rows to one of 4h rows.
    func callAsFunction(deep: Tensor, middle: Tensor, shallow: Tensor, _ pass: ForwardPass) throws -> Tensor {
        let deepTwice = try doubled(deep, pass)
        let two = try joinsTwo(
            pass.concatenatedChannels([
                pass.product(upsampled[0](deepTwice, pass), middle), upsampled[3](deepTwice, pass),
            ]), pass)
        let fine = try pass.product(
            pass.product(upsampled[1](doubled(deepTwice, pass), pass), upsampled[2](doubled(middle, pass), pass)), shallow)
        let three = try joinsThree(
            pass.concatenatedChannels([fine, upsampled[4](doubled(two, pass), pass)]), pass)
        return try last(three, pass)
    }

    private func doubled(_ x: Tensor, _ pass: ForwardPass) throws -> Tensor {
        try pass.resized(x, height: 2 * x.shape[1], width: 2 * x.shape[2], alignsCorners: true)
    }

    func forEachParameter(_ prefix: String, _ body: (String, Parameter) throws -> Void) rethrows {
        for (index, layer) in upsampled.enumerated() {
            try layer.forEachParameter(joinedName(prefix, "conv_upsample\(index + 1)"), body)
        }
        try joinsTwo.forEachParameter(joinedName(prefix, "conv_concat2"), body)
        try joinsThree.forEachParameter(joinedName(prefix, "conv_concat3"), body)
        try last.forEachParameter(joinedName(prefix, "conv4"), body)
    }
}
