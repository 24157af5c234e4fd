import COneDNN

/// Masks that follow an image's edges: each pixel's mask becomes, some times over, a weighted mean of those around it,
/// the weights given by how alike the colours are (pixel-adaptive refinement of ToCo, Ru et al., CVPR 2023, as
/// docs/Method.md, section 3 describes it).
///
/// With I the image, n one of the 8 neighbours at each of the dilations (edges repeat), σ the (unbiased) deviation over
/// all those neighbours, the weight of n is the softmax over neighbours of the mean over colours of
/// −(|Iₙ − I| / (σ + 1e-8) / 0.3)², plus 0.01 · the softmax of −(d / (σ_d + 1e-8) / 0.3)², with d the distances.
/// Not differentiable: it makes targets. Colours may have any scale.
public struct PixelAdaptiveRefinement: Sendable, Hashable, Codable {
    public var dilations: [Int]
    public var iterations: Int

    public init(dilations: [Int] = [1, 2, 4, 8, 12, 24], iterations: Int = 10) {
        self.dilations = dilations
        self.iterations = iterations
    }

    /// `images` is N,H,W,C, `masks` N,h,w,K of any size (brought to the images' with corners aligned). N,H,W,K.
    ///
    /// Throws `EngineError`: `shapeMismatch`; `invalidOption` for dilations that are not between 1 and 256.
    public func callAsFunction(images: Tensor, masks: Tensor) throws -> Tensor {
        guard images.shape.count == 4, masks.shape.count == 4, masks.shape[0] == images.shape[0], images.count > 0 else {
            throw EngineError(
                .shapeMismatch, "masks of \(masks.shape) do not belong to images of \(images.shape) (both N,H,W,C)")
        }
        guard !dilations.isEmpty, dilations.allSatisfy((1...256).contains), iterations >= 0 else {
            throw EngineError(
                .invalidOption, "refinement by dilations \(dilations), \(iterations) times: give numbers from 1 to 256")
        }
        let (height, width) = (images.shape[1], images.shape[2])
        let start = try ForwardPass(.evaluation).resized(masks, height: height, width: width, alignsCorners: true)
        let result = try Tensor(shape: start.shape)
        let (size, maskSize) = (images.count / images.shape[0], start.count / start.shape[0])
        let bytes = nn_refine_bytes(
            Int64(height), Int64(width), Int64(images.shape[3]), Int64(start.shape[3]), dilations.map(Int32.init),
            Int32(dilations.count))
        let work = try PooledMemory(bytes: Int(bytes))
        for image in 0..<images.shape[0] {
            nn_refine(
                images.pointer + image * size, start.pointer + image * maskSize, result.pointer + image * maskSize,
                work.base, Int64(height), Int64(width), Int64(images.shape[3]), Int64(start.shape[3]),
                dilations.map(Int32.init), Int32(dilations.count), Int32(iterations))
        }
        return result
    }
}
