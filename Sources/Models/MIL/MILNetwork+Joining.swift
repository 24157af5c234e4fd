import NeuralNetwork

extension MILNetwork {
    /// The parameters of a whole network, of an encoder and of heads that were trained on its standardised features.
    ///
    /// A head reads (x − mean) / deviation where the whole network has x; so each head's first layer takes the
    /// standardisation over: weights w / deviation, and bias b − Σ w · mean / deviation.
    ///
    /// - Parameters:
    ///   - heads: of a network with `givenFeatures`.
    ///   - encoder: under the encoder's own names.
    ///   - mean, deviation: one number a feature; deviations are positive.
    /// - Throws: `ParameterError.missingTensors` where `heads` lack a first layer of this many features.
    public static func joined(
        heads: ParameterSet, encoder: ParameterSet, mean: [Float], deviation: [Float]
    ) throws -> ParameterSet {
        var heads = heads
        for head in ["attention", "dsmil", "student"] {
            let first = "\(head).classifier.1"
            guard let weight = heads.index(of: first + ".weight"), let bias = heads.index(of: first + ".bias"),
                heads.entries[weight].shape.last == mean.count, mean.count == deviation.count
            else {
                throw ParameterError(
                    .missingTensors, "\(first) is no layer over \(mean.count) features: these heads are of another encoder")
            }
            let rows = heads.entries[weight].shape[0]
            var shifts = [Double](repeating: 0, count: rows)
            heads.updateValues(at: weight) { values in
                for row in 0..<rows {
                    for column in mean.indices {
                        let scaled = Double(values[row * mean.count + column]) / Double(deviation[column])
                        shifts[row] += scaled * Double(mean[column])
                        values[row * mean.count + column] = Float(scaled)
                    }
                }
            }
            heads.updateValues(at: bias) { values in
                for row in 0..<rows { values[row] = Float(Double(values[row]) - shifts[row]) }
            }
        }
        return try ParameterSet(entries: encoder.prefixed("encoder.").entries + heads.entries)
    }
}
