import Archives
import Foundation
import ZeroMQ

extension Worker {
    /// How a worker is started.
    public struct Configuration: Sendable {
        /// Kept across restarts: a worker that comes back under its name frees what its earlier life held.
        public var name: String
        public var endpoint: Endpoint
        public var slots: Int
        /// Centres whose archives this host can read, with their folders. A folder that is not there yet is waited for.
        public var centres: [String: URL]
        /// Where pictures that show frames are kept; nil: none are made.
        public var pictures: URL?
        /// Whether such pictures may leave this host when a job wants them.
        public var allowsPicturesToLeave = false
        /// Where the centres' keys are kept; nil: each process makes its own.
        public var keys: URL?
        /// What must be equal between workers for results that are equal to the last bit.
        public var numericSetup = "unspecified"
        /// Program and version, for people.
        public var program = "endoked"
        public var contentCacheSizeInBytes = 1 << 30
        /// How many shared objects (compiled networks) are kept.
        public var sharedObjects = 12
        /// After a request to drain, how long running shards may take.
        public var drainDeadline = Duration.seconds(60)
        public var allowPlaintext = false
        public var security = SocketSecurity.none
        /// Used until the coordinator has said its own.
        public var timing = ClusterTiming()

        public init(name: String, endpoint: Endpoint, slots: Int, centres: [String: URL]) {
            self.name = name
            self.endpoint = endpoint
            self.slots = slots
            self.centres = centres
        }

        /// Whether nothing is at the path, so that it may still come, as with a disk that is not mounted yet. What is there and
        /// is no folder, or may not be looked at, is not waited for.
        public static func isAwaited(_ folder: URL) -> Bool {
            var status = stat()
            return stat(folder.path, &status) != 0 && errno == ENOENT
        }

        func validate() throws {
            guard (1...4096).contains(slots) else {
                throw ClusterError(.configuration, "a worker has 1 to 4096 slots, not \(slots)")
            }
            guard !name.isEmpty, name.utf8.count <= 200, name.utf8.allSatisfy({ $0 > 32 && $0 != 127 }) else {
                throw ClusterError(.configuration, "`\(name)` cannot be a worker's name: 1 to 200 bytes without spaces")
            }
            for (centre, folder) in centres where !Self.isAwaited(folder) {
                var isFolder: ObjCBool = false
                guard FileManager.default.fileExists(atPath: folder.path, isDirectory: &isFolder), isFolder.boolValue else {
                    throw ClusterError(.configuration, "centre \(centre): there is no folder \(folder.path)")
                }
            }
            if let pictures {
                do { try FramePictureFolder(pictures).prepare() } catch let error as ArchiveError {
                    throw ClusterError(.configuration, error.message)
                }
            }
            try timing.validate()
            let hasKeys = if case .client = security { true } else { false }
            do {
                try endpoint.requireProtection(hasKeys: hasKeys, allowPlaintext: allowPlaintext)
            } catch {
                throw ClusterError(.configuration, error.message)
            }
        }
    }
}

/// What a worker has done since it started, for metrics.
public struct WorkerCounters: Sendable, Hashable {
    public var finished = 0
    public var failed = 0
    public var stopped = 0
    /// Shards whose lease was lost while this worker had them.
    public var lost = 0
    public var refusedResults = 0
    public var malformedMessages = 0
    public var fetchedBytes = 0
    public var sessions = 0
}
