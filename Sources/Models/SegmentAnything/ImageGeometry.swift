/// How an image lies in the network's square input: resized so that its longer side fits, at the left upper corner.
package struct ImageGeometry: Sendable, Hashable {
    /// Pixels of the image as it was given.
    let width: Int
    let height: Int
    /// Pixels of the image within the input.
    let inputWidth: Int
    let inputHeight: Int

    package init(width: Int, height: Int, side: Int) {
        self.width = width
        self.height = height
        let scale = Double(side) / Double(max(width, height, 1))
        inputWidth = max(1, Int(Double(width) * scale + 0.5))
        inputHeight = max(1, Int(Double(height) * scale + 0.5))
    }

    /// A prompt in pixels of the image as one in pixels of the input.
    func toInput(_ prompt: SegmentationPrompt) -> SegmentationPrompt {
        prompt.scaled(
            x: Float(Double(inputWidth) / Double(width)), y: Float(Double(inputHeight) / Double(height)))
    }
}
