import Synchronization

/// What a coordinator has done since it started, for metrics and tests.
public struct CoordinatorCounters: Sendable, Hashable {
    public var messagesReceived = 0
    public var malformedMessages = 0
    public var refusedMessages = 0
    public var undeliverableMessages = 0
    /// Connections whose key was not on the allow-list.
    public var refusedKeys = 0
    public var assignedShards = 0
    public var acceptedResults = 0
    public var duplicateResults = 0
    /// Results whose lease was no longer their worker's: nothing was changed.
    public var staleResults = 0
    public var invalidResults = 0
    public var failedShards = 0
    public var returnedShards = 0
    public var lostLeases = 0
    public var lostWorkers = 0
    public var uploadedBytes = 0
    public var servedBytes = 0
    public var commitGroups = 0
}

/// Counters that several threads write.
final class CounterBox: Sendable {
    private let counters = Mutex(CoordinatorCounters())

    func callAsFunction(_ change: (inout CoordinatorCounters) -> Void) { counters.withLock { change(&$0) } }
    var value: CoordinatorCounters { counters.withLock { $0 } }
}
