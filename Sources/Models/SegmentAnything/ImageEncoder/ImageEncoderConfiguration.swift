/// The measures of a plain vision transformer that encodes images for masks.
struct ImageEncoderConfiguration: Sendable, Hashable {
    /// Numbers of a token.
    var width: Int
    /// Blocks.
    var depth: Int
    var heads: Int
    /// Blocks whose tokens see the whole image; the others see windows.
    var globalBlocks: Set<Int>
    /// Tokens along the side of a window.
    var window = 14
    /// Pixels along the side of the square input, and of a patch.
    var imageSize = 1024
    var patch = 16
    /// Pixels along the side of the input that the learnt positions were made for, where that was another: relative
    /// positions are then interpolated.
    var learntImageSize = 1024
    /// Channels of the embedding.
    var outputs = 256

    /// Tokens along the side of the input.
    var grid: Int { imageSize / patch }
    var learntGrid: Int { learntImageSize / patch }
}
