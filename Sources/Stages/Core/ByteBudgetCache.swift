/// Keeps the most recently used values within a budget of bytes. A value, to be locked by whoever shares it.
package struct ByteBudgetCache<Key: Hashable, Value> {
    /// Entries are a chain in the order of their use, so that finding the oldest costs the same among ten and a million.
    private struct Entry {
        var value: Value
        var size: Int
        var newer: Key?
        var older: Key?
    }

    private var entries: [Key: Entry] = [:]
    private var newest: Key?
    private var oldest: Key?
    /// In the unit of the entries' sizes. Where it falls, the oldest values go at once.
    package var budget: Int { didSet { trim(to: budget) } }
    package private(set) var used = 0

    package init(budget: Int) { self.budget = budget }

    package var count: Int { entries.count }

    package mutating func value(_ key: Key) -> Value? {
        guard let entry = entries[key] else { return nil }
        if newest != key {
            unlink(entry)
            makeNewest(entry, key)
        }
        return entry.value
    }

    /// Keeps a value; older ones go as far as they must. One that is larger than the budget is kept alone.
    package mutating func insert(_ value: Value, size: Int, for key: Key) {
        remove(key)
        trim(to: budget - size)
        makeNewest(Entry(value: value, size: size), key)
        used += size
    }

    package mutating func remove(_ key: Key) {
        guard let entry = entries.removeValue(forKey: key) else { return }
        unlink(entry)
        used -= entry.size
    }

    private mutating func trim(to limit: Int) {
        while used > limit, let key = oldest { remove(key) }
    }

    /// Joins an entry's neighbours.
    private mutating func unlink(_ entry: Entry) {
        if let newer = entry.newer { entries[newer]?.older = entry.older } else { newest = entry.older }
        if let older = entry.older { entries[older]?.newer = entry.newer } else { oldest = entry.newer }
    }

    private mutating func makeNewest(_ entry: Entry, _ key: Key) {
        var entry = entry
        (entry.newer, entry.older) = (nil, newest)
        if let newest { entries[newest]?.newer = key } else { oldest = key }
        newest = key
        entries[key] = entry
    }
}
