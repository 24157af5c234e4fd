import Foundation
import NeuralNetwork

/// Places as sines and cosines of random frequencies (Tancik et al. 2020), which are part of the checkpoint.
struct FourierPositions {
    /// 2 rows (x, y) of as many numbers as there are sines.
    let frequencies: [Float]

    /// Sines, then cosines, of 2π·(2p − 1)·frequencies for a place p in [0, 1]².
    func callAsFunction(x: Double, y: Double) -> [Float] {
        let count = frequencies.count / 2
        let angles = (0..<count).map { index in
            2 * Double.pi
                * ((2 * x - 1) * Double(frequencies[index]) + (2 * y - 1) * Double(frequencies[count + index]))
        }
        return angles.map { Float(sin($0)) } + angles.map { Float(cos($0)) }
    }

    /// Those of the middles of `side` × `side` tokens, row by row.
    func grid(_ side: Int) -> [Float] {
        (0..<side * side).flatMap { token in
            self(x: (Double(token % side) + 0.5) / Double(side), y: (Double(token / side) + 0.5) / Double(side))
        }
    }
}
