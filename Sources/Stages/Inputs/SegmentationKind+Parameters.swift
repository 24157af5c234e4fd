import Models
import NeuralNetwork

extension SegmentationKind {
    /// Of the network whose parameters these are.
    /// - Throws: `StageError.parameters` when they are no segmentation network's.
    init(of set: ParameterSet) throws {
        guard let kind = SegmentationKind(of: set.shapes) else {
            throw StageError(
                .parameters,
                "the parameters are of no segmentation network: of none of "
                    + SegmentationFamilies.all.map(\.title).joined(separator: ", "))
        }
        self = kind
    }
}
