/// How parameters start. Each one draws from a sequence of its own, named after it, so that adding a layer
/// changes no other layer's start.
public enum Initialisation {
    /// N(0, deviation).
    public static func normal(_ parameter: Parameter, deviation: Double, seed: UInt64, name: String) {
        var random = CounterRandom(seed: seed, stream: name)
        parameter.update { values in
            for index in values.indices { values[index] = Float(random.normal() * deviation) }
        }
    }

    /// Kaiming normal for ReLU by the number of outputs (He et al. 2015; torchvision's start of convolutions):
    /// deviation sqrt(2 / (outputs · kernel area)).
    public static func kaimingFanOut(_ parameter: Parameter, seed: UInt64, name: String) {
        let fan = parameter.shape[0] * parameter.shape.dropFirst(2).reduce(1, *)
        normal(parameter, deviation: (2 / Double(fan)).squareRoot(), seed: seed, name: name)
    }

    /// Uniform within ±1/sqrt(inputs of one output), PyTorch's start of convolutions and linear layers.
    public static func uniformFanIn(_ parameter: Parameter, seed: UInt64, name: String) {
        let bound = 1 / Double(max(1, parameter.shape.dropFirst().reduce(1, *))).squareRoot()
        var random = CounterRandom(seed: seed, stream: name)
        parameter.update { values in
            for index in values.indices { values[index] = Float((2 * random.uniform() - 1) * bound) }
        }
    }
}
