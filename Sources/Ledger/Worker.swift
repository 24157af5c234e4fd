/// A worker as it introduces itself.
public struct WorkerRegistration: Hashable, Sendable {
    public var incarnation: WorkerIncarnation
    public var slots: Int32
    /// Centres whose data it can read.
    public var centres: [String]
    /// Its numeric setup: instruction set, library versions, precision, threads a slot.
    public var setup: String
    public var address: String
    public var version: String

    public init(
        incarnation: WorkerIncarnation, slots: Int32, centres: [String], setup: String, address: String,
        version: String
    ) {
        self.incarnation = incarnation
        self.slots = slots
        self.centres = centres
        self.setup = setup
        self.address = address
        self.version = version
    }
}
