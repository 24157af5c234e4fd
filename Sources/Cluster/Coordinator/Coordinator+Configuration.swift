import Foundation
import Ledger
import ZeroMQ

extension Coordinator {
    /// How a coordinator is started.
    public struct Configuration: Sendable {
        /// A connection string or URI of libpq.
        public var database: String
        public var endpoints: [Endpoint]
        /// How people call it.
        public var name: String
        /// Tells this life of the coordinator from all others, also of its name; drawn by lot. Only who knows that the
        /// former process is dead may give the next one the same.
        public var life = String(UInt64.random(in: .min ... .max), radix: 16)
        /// Who holds the leadership, in the ledger.
        var holder: String { "\(name)#\(life)" }
        public var allowPlaintext = false
        public var security = SocketSecurity.none
        /// Whose keys may connect; needed with `SocketSecurity.server`. A worker's key must stand there under its name.
        public var allowList: CurveAllowList?
        public var timing = ClusterTiming()
        public var retry = RetryPolicy()
        /// Contents that were read for workers are kept in memory up to so many bytes.
        public var contentCacheSizeInBytes = 256 << 20

        public init(database: String, endpoints: [Endpoint]) {
            self.database = database
            self.endpoints = endpoints
            let process = ProcessInfo.processInfo
            name = "\(process.hostName)#\(process.processIdentifier)"
        }

        func validate() throws {
            guard !endpoints.isEmpty else {
                throw ClusterError(.configuration, "a coordinator needs an endpoint to listen at, such as tcp://127.0.0.1:5570")
            }
            try timing.validate()
            let hasKeys = if case .server = security { true } else { false }
            guard !hasKeys || allowList != nil else {
                throw ClusterError(.configuration, "a coordinator with keys needs an allow-list: without one every key may connect")
            }
            do {
                for endpoint in endpoints {
                    try endpoint.requireProtection(hasKeys: hasKeys, allowPlaintext: allowPlaintext)
                }
            } catch {
                throw ClusterError(.configuration, error.message)
            }
        }
    }
}
