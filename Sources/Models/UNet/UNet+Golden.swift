import NeuralNetwork

extension GoldenCheck {
    /// U-Net of the reference's width.
    func uNet(wanted: Set<String>) throws -> [String: [Float]] {
        try segmentation("unet", wanted: wanted) {
            try UNet(seed: nil)
        } look: { network, images, pass in
            let outputs = try network(images, pass)
            return [
                "inc": outputs.down[0], "down2": outputs.down[2], "down4": outputs.down[4], "up1": outputs.up[0],
                "up4": outputs.up[3], "logits": outputs.logits,
            ]
        }
    }
}
