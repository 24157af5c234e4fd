import NeuralNetwork

/// Stands where an encoder does in a network whose images were encoded before: what it is given, N,1,1,features, are their
/// feature vectors. It has no parameters.
public final class FeatureInput: ImageBackbone {
    private let featureCount: Int

    public init(_ featureCount: Int) { self.featureCount = featureCount }

    public func lastMaps(_ features: Tensor, _ pass: ForwardPass) throws -> Tensor {
        guard features.shape.count == 4, Array(features.shape.dropFirst()) == [1, 1, featureCount] else {
            throw EngineError(.shapeMismatch, "feature vectors are N,1,1,\(featureCount), not \(features.shape)")
        }
        return features
    }

    public var freezesBatchNorm = false
    public var activationsPerPixel: Int { featureCount }
    public func forEachParameter(_ prefix: String, _ body: (String, Parameter) throws -> Void) rethrows {}
}
