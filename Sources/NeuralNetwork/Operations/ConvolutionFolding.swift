import Synchronization

/// Remembers a layer's folded weights, for threads that share the layer.
final class ConvolutionFolding: Sendable {
    /// `@unchecked Sendable`: what it holds is never changed after it was made, and it lives as long as the layer.
    private struct Kept: @unchecked Sendable {
        var folded: FoldedConvolution?
    }

    private let kept = Mutex(Kept())

    func folded(_ layer: Conv2d, _ norm: BatchNorm?) throws -> FoldedConvolution {
        let parts =
            [layer.weight] + (layer.bias.map { [$0] } ?? [])
            + (norm.map { [$0.weight, $0.bias, $0.runningMean, $0.runningVariance] } ?? [])
        let versions = parts.map(\.version)
        // Under the lock, so that threads that start together do not fold the same weights twice.
        nonisolated(unsafe) let (layer, norm) = (layer, norm)  // Only read, and nobody writes: see `Frozen`.
        return try kept.withLock { kept in
            if let folded = kept.folded, folded.versions == versions { return kept }
            kept.folded = try FoldedConvolution(layer, norm, versions: versions)
            return kept
        }.folded ?? FoldedConvolution(layer, norm, versions: versions)
    }
}
