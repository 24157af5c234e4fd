import Stages
import Testing

@Suite struct ByteBudgetCacheTests {
    @Test func keepsWhatWasUsedLastWithinItsBudget() {
        var cache = ByteBudgetCache<String, Int>(budget: 100)
        cache.insert(1, size: 40, for: "a")
        cache.insert(2, size: 40, for: "b")
        #expect(look(&cache, "a") == 1)
        cache.insert(3, size: 40, for: "c")
        #expect(look(&cache, "b") == nil)
        #expect(look(&cache, "a") == 1 && look(&cache, "c") == 3)
        #expect(cache.used == 80)
        cache.insert(4, size: 1000, for: "d")
        #expect(cache.count == 1 && look(&cache, "d") == 4)
        cache.insert(5, size: 10, for: "d")
        #expect(cache.used == 10)
    }

    @Test func aBudgetThatFallsLetsTheOldestGo() {
        var cache = ByteBudgetCache<Int, Int>(budget: 100)
        for key in 0..<5 { cache.insert(key, size: 20, for: key) }
        #expect(look(&cache, 0) == 0)
        cache.budget = 45
        #expect(cache.used == 40 && look(&cache, 4) == 4 && look(&cache, 0) == 0 && look(&cache, 3) == nil)
        cache.budget = 0
        #expect(cache.used == 0 && cache.count == 0)
    }

    /// The chain of uses against a plain list of keys.
    @Test func theOldestGoesWhateverWasDone() {
        var cache = ByteBudgetCache<Int, Int>(budget: 8)
        var order: [Int] = []
        var state: UInt64 = 7
        for _ in 0..<5_000 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            let key = Int(state >> 40 & 15)
            switch state >> 60 {
            case 0: cache.remove(key); order.removeAll { $0 == key }
            case 1..<8:
                let value = look(&cache, key)
                #expect((value != nil) == order.contains(key))
                if order.contains(key) { order = order.filter { $0 != key } + [key] }
            default:
                cache.insert(key, size: 1, for: key)
                order = Array((order.filter { $0 != key } + [key]).suffix(8))
            }
            #expect(cache.count == order.count && cache.used == order.count)
        }
    }

    /// `#expect` takes no mutating call.
    private func look<Key, Value>(_ cache: inout ByteBudgetCache<Key, Value>, _ key: Key) -> Value? { cache.value(key) }
}
