import Foundation
import Stages

/// Objects that all slots of a process share, such as compiled networks: made once a key, the least used go first.
package final class SharedObjects: @unchecked Sendable {
    // @unchecked: everything mutable is only touched while `condition` is locked.
    private let condition = NSCondition()
    private var cache: ByteBudgetCache<String, any Sendable>
    private var making: Set<String> = []

    /// - Parameter capacity: how many objects are kept.
    package init(capacity: Int) { cache = ByteBudgetCache(budget: capacity) }

    /// The object of `key`, made by the first who asks; others wait. What `make` throws goes to its caller, and the
    /// next one who asks tries again.
    package func object<Object: Sendable>(_ key: String, make: () throws -> Object) throws -> Object {
        condition.lock()
        while true {
            if let known = cache.value(key) {
                condition.unlock()
                guard let object = known as? Object else {
                    throw ClusterError(.invalid, "the shared object `\(key)` is a \(type(of: known)), not a \(Object.self)")
                }
                return object
            }
            guard making.contains(key) else { break }
            condition.wait()
        }
        making.insert(key)
        condition.unlock()
        let result = Result { try make() }
        condition.lock()
        making.remove(key)
        if case .success(let object) = result { cache.insert(object, size: 1, for: key) }
        condition.broadcast()
        condition.unlock()
        return try result.get()
    }
}
