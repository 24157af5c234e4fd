import Models
import NeuralNetwork

extension PVTSize {
    /// The size of the backbone in a Polyp-PVT's parameters.
    /// - Throws: `StageError.parameters` when they are no Polyp-PVT's.
    init(ofPolypPVT set: ParameterSet) throws {
        guard let size = PVTSize(of: set.shapes, prefix: "backbone.") else {
            throw StageError(.parameters, "the parameters are no Polyp-PVT's: no size of its backbone fits them")
        }
        self = size
    }
}
