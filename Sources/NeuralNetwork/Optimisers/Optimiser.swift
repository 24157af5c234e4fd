import COneDNN
import Foundation

/// The rule by which parameters follow their gradients.
public enum OptimiserSettings: Sendable, Hashable, Codable {
    /// Stochastic gradient descent; weight decay is added to the gradient, as in the reference.
    case sgd(rate: Float, momentum: Float = 0, weightDecay: Float = 0)
    /// Adam with decoupled weight decay (Loshchilov and Hutter 2019).
    case adamW(rate: Float, weightDecay: Float = 0.01, beta1: Float = 0.9, beta2: Float = 0.999, epsilon: Float = 1e-8)

    public var rate: Float {
        switch self {
        case .sgd(let rate, _, _): rate
        case .adamW(let rate, _, _, _, _): rate
        }
    }
}

/// Changes parameters by their gradients. Parameters that no backward pass reached stay as they are.
public final class Optimiser {
    /// Parameters that learn at one multiple of the learning rate.
    public struct Group {
        let parameters: [Parameter]
        let rateFactor: Float

        public init(_ parameters: [Parameter], rateFactor: Float = 1) {
            self.parameters = parameters
            self.rateFactor = rateFactor
        }
    }

    public let settings: OptimiserSettings
    private let parameters: [Parameter]
    private let rateFactors: [Float]
    private let places: [ObjectIdentifier: Int]
    /// Velocity, or first and second moment, of the parameters that were stepped.
    private var state: [Int: (steps: Int, first: Tensor, second: Tensor?)] = [:]

    public init(_ settings: OptimiserSettings, groups: [Group]) {
        self.settings = settings
        parameters = groups.flatMap(\.parameters)
        rateFactors = groups.flatMap { group in group.parameters.map { _ in group.rateFactor } }
        places = Dictionary(
            parameters.enumerated().map { (ObjectIdentifier($1), $0) }, uniquingKeysWith: { first, _ in first })
    }

    public convenience init(_ settings: OptimiserSettings, parameters: [Parameter]) {
        self.init(settings, groups: [Group(parameters)])
    }

    /// One step, and the gradients are cleared. `rate` replaces that of the settings, for schedules; groups follow at
    /// their multiples of it. Each number of the gradients is brought into ±`limit` first.
    ///
    /// Throws `EngineError.notFinite` for a gradient that is no number; other parameters, and some of its own values, may
    /// have changed by then.
    public func step(rate: Float? = nil, limit: Float? = nil) throws {
        for (index, parameter) in parameters.enumerated() {
            guard let gradient = parameter.gradientPointer else { continue }
            try step(parameter, index: index, gradient: gradient, rate: rate ?? settings.rate, limit: limit)
            parameter.clearGradient()
        }
    }

    /// One step of one parameter within a backward pass, as soon as its gradient is whole (`Tape.backward`): the gradient
    /// still lies in the cache, and its memory then serves the next one's. A parameter of others stays as it is. Limits and
    /// throws as the step of all does.
    public func step(_ parameter: Parameter, rate: Float? = nil, limit: Float? = nil) throws {
        guard let place = places[ObjectIdentifier(parameter)], let gradient = parameter.gradientPointer else { return }
        try step(parameter, index: place, gradient: gradient, rate: rate ?? settings.rate, limit: limit)
        parameter.letGoOfGradient()
    }

    /// The Euclidean norm of all gradients together.
    public func gradientNorm() -> Float {
        var sum = 0.0
        for parameter in parameters {
            if let gradient = parameter.gradientPointer { sum += nn_sum_of_squares(gradient, Int64(parameter.count)) }
        }
        return Float(sum.squareRoot())
    }

    /// Scales all gradients, whose norm is `norm`, to a norm of at most `limit`.
    package func scaleGradients(ofNorm norm: Float, to limit: Float) {
        guard norm > limit else { return }
        for parameter in parameters {
            if let gradient = parameter.gradientPointer { nn_scale(gradient, limit / (norm + 1e-6), Int64(parameter.count)) }
        }
    }

    private func step(
        _ parameter: Parameter, index: Int, gradient: UnsafeMutablePointer<Float>, rate: Float, limit: Float?
    ) throws {
        let count = Int64(parameter.count)
        let rate = rate * rateFactors[index]
        let limit = limit ?? 0
        let isFinite: Bool
        switch settings {
        case .sgd(_, let momentum, let decay):
            guard momentum != 0 else {
                isFinite = parameter.step { nn_sgd_step($0, gradient, nil, $1, count, limit, rate, 0, decay, 0) != 0 }
                break
            }
            let velocity = try state[index]?.first ?? Tensor.zeros(parameter.shape)
            let isFirst: Int32 = state[index] == nil ? 1 : 0
            isFinite = parameter.step {
                nn_sgd_step($0, gradient, velocity.pointer, $1, count, limit, rate, momentum, decay, isFirst) != 0
            }
            state[index] = (1, velocity, nil)
        case .adamW(_, let decay, let beta1, let beta2, let epsilon):
            let steps = (state[index]?.steps ?? 0) + 1
            let first = try state[index]?.first ?? Tensor.zeros(parameter.shape)
            let second = try state[index]?.second ?? Tensor.zeros(parameter.shape)
            isFinite = parameter.step {
                nn_adamw_step(
                    $0, gradient, first.pointer, second.pointer, $1, count, limit, rate, beta1, beta2, epsilon, decay,
                    1 - pow(beta1, Float(steps)), 1 - pow(beta2, Float(steps))) != 0
            }
            state[index] = (steps, first, second)
        }
        guard isFinite else {
            throw EngineError(
                .notFinite,
                "the gradient of a parameter of \(parameter.shape) is no number: lower the learning rate, or check the images")
        }
    }
}
