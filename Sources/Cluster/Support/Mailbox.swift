import Foundation

/// A queue between threads. Whoever fills it is bounded by credit, so the queue itself needs no limit.
final class Mailbox<Element: Sendable>: @unchecked Sendable {
    // @unchecked: `elements` and `isClosed` are only touched while `condition` is locked.
    private let condition = NSCondition()
    private var elements: [Element] = []
    private var head = 0
    private var isClosed = false

    func send(_ element: Element) {
        condition.lock()
        if !isClosed { elements.append(element) }
        condition.signal()
        condition.unlock()
    }

    func send(contentsOf more: [Element]) {
        guard !more.isEmpty else { return }
        condition.lock()
        if !isClosed { elements.append(contentsOf: more) }
        condition.broadcast()
        condition.unlock()
    }

    /// Everything that is there; waits for the first element until the time is up.
    func receiveAll(atMost timeout: Duration) -> [Element] {
        condition.lock()
        defer { condition.unlock() }
        if isEmpty && !isClosed && timeout > .zero {
            let deadline = Date(timeIntervalSinceNow: timeout.inSeconds)
            while isEmpty && !isClosed && condition.wait(until: deadline) {}
        }
        let received = Array(elements[head...])
        elements.removeAll(keepingCapacity: true)
        head = 0
        return received
    }

    /// The next element; waits for it. Nil once the mailbox is closed and empty.
    func receiveOne() -> Element? {
        condition.lock()
        defer { condition.unlock() }
        while isEmpty && !isClosed { condition.wait() }
        guard !isEmpty else { return nil }
        let element = elements[head]
        head += 1
        if head == elements.count || head > 1024 {
            elements.removeFirst(head)
            head = 0
        }
        return element
    }

    /// Takes nothing more; receivers get what is there and then nil.
    func close() {
        condition.lock()
        isClosed = true
        condition.broadcast()
        condition.unlock()
    }

    private var isEmpty: Bool { head == elements.count }
}

/// A value that is set once, and that others wait for.
final class Promise<Value: Sendable>: @unchecked Sendable {
    // @unchecked: `value` is only touched while `condition` is locked.
    private let condition = NSCondition()
    private var value: Value?

    /// The first value stays.
    func fulfil(_ value: Value) {
        condition.lock()
        if self.value == nil { self.value = value }
        condition.broadcast()
        condition.unlock()
    }

    /// The value, or nil when the time is up.
    func wait(atMost timeout: Duration) -> Value? {
        condition.lock()
        defer { condition.unlock() }
        let deadline = Date(timeIntervalSinceNow: timeout.inSeconds)
        while value == nil && condition.wait(until: deadline) {}
        return value
    }

    /// The value, however long it takes.
    func wait() -> Value {
        condition.lock()
        defer { condition.unlock() }
        while true {
            if let value { return value }
            condition.wait()
        }
    }
}

/// A thread of its own, outside Swift's cooperative pool, that others can wait for.
final class JoinableThread: Sendable {
    private let ended = Promise<Void>()

    /// - Parameter stackSizeInBytes: networks recurse little, but JSON and sorting do; the system's 8 MiB is enough.
    init(_ name: String, stackSizeInBytes: Int = 8 << 20, _ body: @escaping @Sendable () -> Void) {
        let ended = ended
        let thread = Thread {
            body()
            ended.fulfil(())
        }
        thread.name = name
        thread.stackSize = stackSizeInBytes
        thread.start()
    }

    func join() { ended.wait() }

    /// - Returns: whether it ended in time.
    func join(atMost timeout: Duration) -> Bool { ended.wait(atMost: timeout) != nil }
}
