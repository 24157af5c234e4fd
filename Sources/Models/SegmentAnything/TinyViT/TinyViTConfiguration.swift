/// The measures of a TinyViT (Wu et al. 2022) that encodes images for masks: as MobileSAM's unless said.
package struct TinyViTConfiguration: Sendable, Hashable {
    /// Channels, blocks, heads and tokens along the side of a window, for each of four stages. The first stage has
    /// convolutions only.
    package var widths = [64, 128, 160, 320]
    package var depths = [2, 2, 6, 2]
    package var heads = [2, 4, 5, 10]
    package var windows = [7, 7, 14, 7]
    /// What the map's sides are divided by after each stage but the last.
    package var strides = [2, 2, 1]
    package var imageSize = 1024
    package var outputs = 256

    package init() {}

    /// Tokens along the side of the embedding.
    package var grid: Int { imageSize / 4 / strides.reduce(1, *) }
}
