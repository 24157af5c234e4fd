import Foundation

/// How a learning rate runs over a whole training.
struct LearningRate {
    var full: Float
    var schedule: MILTrainSettings.Schedule
    var finalShare: Float
    /// Share of the training over which the rate rises from nothing.
    var warmUp: Float

    /// - Parameter place: of the whole training, 0…1.
    func at(_ place: Double) -> Float {
        let rise = warmUp > 0 ? min(1, Float(place) / warmUp) : 1
        switch schedule {
        case .constant: return full * rise
        case .cosine:
            let wave = Float(0.5 * (1 + cos(Double.pi * min(1, place))))
            return full * min(rise, finalShare + (1 - finalShare) * wave)
        }
    }
}
