/// The measures of a plain vision transformer that encodes images for masks.
package struct ImageEncoderConfiguration: Sendable, Hashable {
    /// Numbers of a token.
    package var width: Int
    /// Blocks.
    package var depth: Int
    package var heads: Int
    /// Blocks whose tokens see the whole image; the others see windows.
    package var globalBlocks: Set<Int>
    /// Tokens along the side of a window.
    package var window = 14
    /// Pixels along the side of the square input, and of a patch.
    package var imageSize = 1024
    package var patch = 16
    /// Pixels along the side of the input that the learnt positions were made for, where that was another: relative
    /// positions are then interpolated.
    package var learntImageSize = 1024
    /// Channels of the embedding.
    package var outputs = 256

    package init(width: Int, depth: Int, heads: Int, globalBlocks: Set<Int>) {
        self.width = width
        self.depth = depth
        self.heads = heads
        self.globalBlocks = globalBlocks
    }

    /// Tokens along the side of the input.
    package var grid: Int { imageSize / patch }
    package var learntGrid: Int { learntImageSize / patch }
}
