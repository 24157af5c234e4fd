import NeuralNetwork

/// Turns an image into a map of vectors.
package protocol ImageEncoding: Module {
    /// Pixels along the side of the square input.
    var inputSide: Int { get }
    /// Vectors along the side of the embedding.
    var gridSide: Int { get }

    /// Packs large weights for inference on one image at a time and frees their plain copies.
    func keepOnlyPacked(precision: Precision, _ quantised: QuantisedNetwork?) throws

    /// Images N, side, side, 3 to embeddings N, grid, grid, channels.
    func callAsFunction(_ images: Tensor, _ pass: ForwardPass) throws -> Tensor
}

extension ImageEncoder: ImageEncoding {
    package var inputSide: Int { configuration.imageSize }
    package var gridSide: Int { configuration.grid }
}

extension TinyViT: ImageEncoding {
    package var inputSide: Int { configuration.imageSize }
    package var gridSide: Int { configuration.grid }
}

/// The three parts of Segment Anything. Names are the published checkpoints'.
package final class SegmentAnythingNetwork: Module {
    package let imageEncoder: any ImageEncoding
    let promptEncoder: PromptEncoder
    let maskDecoder: MaskDecoder

    /// A published one, to be loaded.
    package convenience init(_ kind: SegmentAnythingKind) throws {
        try self.init(kind.transformer.map { try ImageEncoder($0) } ?? TinyViT())
    }

    package init(_ imageEncoder: any ImageEncoding, width: Int = 256, decoderHidden: Int = 2048) throws {
        self.imageEncoder = imageEncoder
        promptEncoder = try PromptEncoder(width)
        maskDecoder = try MaskDecoder(width, hidden: decoderHidden)
    }

    /// 1, grid, grid, width: what says to the decoder where a vector of the embedding lies.
    func imagePositions() throws -> Tensor {
        let side = imageEncoder.gridSide
        let numbers = promptEncoder.positions.grid(side)
        return try Tensor(numbers, shape: [1, side, side, numbers.count / (side * side)])
    }

    package func forEachParameter(_ prefix: String, _ body: (String, Parameter) throws -> Void) rethrows {
        try imageEncoder.forEachParameter(joinedName(prefix, "image_encoder"), body)
        try promptEncoder.forEachParameter(joinedName(prefix, "prompt_encoder"), body)
        try maskDecoder.forEachParameter(joinedName(prefix, "mask_decoder"), body)
    }
}
