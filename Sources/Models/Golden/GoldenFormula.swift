import NeuralNetwork

/// Numbers made from a name: how reference outputs are checked without shipping weights (golden/README.md).
///
/// The key of a tensor is the FNV-1a hash of its name; element i is the i-th number of SplitMix64 from that key,
/// its upper 24 bits scaled to [−1, 1).
public enum GoldenFormula {
    /// `uniform(name, i)` for i = 0 ..< count.
    public static func uniform(_ name: String, count: Int) -> [Double] {
        var key: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in name.utf8 { key = (key ^ UInt64(byte)) &* 0x100_0000_01B3 }
        return (0..<count).map { index in
            Double(CounterRandom.mixed(key, at: UInt64(index)) >> 40) * 0x1p-23 - 1
        }
    }

    /// A weight tensor, by the last component of its name and its shape.
    public static func weight(_ name: String, shape: [Int]) -> [Float] {
        let last = name.split(separator: ".").last.map(String.init) ?? name
        let count = shape.reduce(1, *)
        let scale: (Double) -> Double
        switch last {
        case "num_batches_tracked": return [Float](repeating: 0, count: count)
        case "running_var": scale = { 1 + 0.5 * abs($0) }
        case "running_mean", "bias": scale = { 0.1 * $0 }
        case "weight" where shape.count == 1: scale = { 1 + 0.1 * $0 }
        case "weight", "weight_v":
            let deviation = (3 / Double(max(1, shape.dropFirst().reduce(1, *)))).squareRoot()
            scale = { $0 * deviation }
        default: scale = { 0.5 * $0 }
        }
        return uniform(name, count: count).map { Float(scale($0)) }
    }

    /// Fills every parameter of `module` under its own name.
    public static func fill(_ module: some Module, prefix: String = "") {
        module.forEachParameter(prefix) { name, parameter in
            let values = weight(name, shape: parameter.shape)
            parameter.update { memory in
                for (index, value) in values.enumerated() { memory[index] = value }
            }
        }
    }

    /// An input tensor N,H,W,C, from the formula's N,C,H,W order.
    public static func images(_ name: String, count: Int, channels: Int = 3, height: Int, width: Int) throws -> Tensor {
        let numbers = uniform(name, count: count * channels * height * width)
        return try Tensor.filled([count, height, width, channels]) { memory in
            var source = 0
            for n in 0..<count {
                for c in 0..<channels {
                    for pixel in 0..<height * width {
                        memory[(n * height * width + pixel) * channels + c] = Float(2 * numbers[source])
                        source += 1
                    }
                }
            }
        }
    }

    /// An input tensor of vectors.
    public static func vectors(_ name: String, shape: [Int]) throws -> Tensor {
        try Tensor(uniform(name, count: shape.reduce(1, *)).map { Float(2 * $0) }, shape: shape)
    }
}
