/// Keeps the most recently used values within a budget of bytes. A value, to be locked by whoever shares it.
package struct ByteBudgetCache<Key: Hashable, Value> {
    private var entries: [Key: (value: Value, size: Int, use: UInt64)] = [:]
    private var clock: UInt64 = 0
    package let budget: Int
    package private(set) var used = 0

    package init(budget: Int) { self.budget = budget }

    package var count: Int { entries.count }

    package mutating func value(_ key: Key) -> Value? {
        guard var entry = entries[key] else { return nil }
        clock += 1
        entry.use = clock
        entries[key] = entry
        return entry.value
    }

    /// Keeps a value; older ones go as far as they must. One that is larger than the budget is kept alone.
    package mutating func insert(_ value: Value, size: Int, for key: Key) {
        remove(key)
        while used + size > budget, let oldest = entries.min(by: { $0.value.use < $1.value.use })?.key { remove(oldest) }
        clock += 1
        entries[key] = (value, size, clock)
        used += size
    }

    package mutating func remove(_ key: Key) {
        if let old = entries.removeValue(forKey: key) { used -= old.size }
    }
}
