import Imaging
import NeuralNetwork

/// As settings name it.
extension MaskShape: NamedChoice {}
