/// A network whose parameters nobody changes any more, for any number of threads to run.
///
/// `@unchecked Sendable`: the network was sent here, so no other reference to it is left. Inference passes only read its
/// parameters; what layers remember on the way (packed and folded weights) is made under locks of their own.
public struct Frozen<Network>: @unchecked Sendable {
    private let network: Network

    public init(_ network: sending Network) { self.network = network }

    /// Runs `body` with the network, which must not be changed, nor kept beyond the call.
    public func callAsFunction<Result>(_ body: (Network) throws -> Result) rethrows -> Result { try body(network) }
}
