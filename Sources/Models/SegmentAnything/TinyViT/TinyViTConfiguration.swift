/// The measures of a TinyViT (Wu et al. 2022) that encodes images for masks: as MobileSAM's unless said.
struct TinyViTConfiguration: Sendable, Hashable {
    /// Channels, blocks, heads and tokens along the side of a window, for each of four stages. The first stage has
    /// convolutions only.
    var widths = [64, 128, 160, 320]
    var depths = [2, 2, 6, 2]
    var heads = [2, 4, 5, 10]
    var windows = [7, 7, 14, 7]
    /// What the map's sides are divided by after each stage but the last.
    var strides = [2, 2, 1]
    var imageSize = 1024
    var outputs = 256

    /// Tokens along the side of the embedding.
    var grid: Int { imageSize / 4 / strides.reduce(1, *) }
}
