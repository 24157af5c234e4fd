import CZeroMQ
import Foundation

/// One frame. It owns its bytes, wherever they lie: inside libzmq, or in a `Data` that it keeps alive.
public final class Message {
    // A zmq_msg_t must not move, so it has a place of its own.
    let pointer: UnsafeMutablePointer<zmq_msg_t>

    /// An empty frame, to receive into.
    public init() {
        pointer = .allocate(capacity: 1)
        zmq_msg_init(pointer)
    }

    /// A frame with these bytes. Small contents are copied; larger ones are sent from where they lie, and kept until
    /// libzmq has done with them.
    public init(_ data: Data) throws(ZeroMQError) {
        pointer = .allocate(capacity: 1)
        do {
            if data.count < Self.smallestSharedSize {
                try Self.initialise(pointer, copying: data)
            } else {
                try Self.initialise(pointer, sharing: data)
            }
        } catch {
            zmq_msg_init(pointer)
            throw error
        }
    }

    /// A frame with these bytes, copied.
    public convenience init(bytes: some Sequence<UInt8>) throws(ZeroMQError) {
        try self.init(Data(bytes))
    }

    deinit {
        zmq_msg_close(pointer)
        pointer.deallocate()
    }

    /// Below this a copy is cheaper than a second owner.
    package static let smallestSharedSize = 4096

    private static func initialise(_ pointer: UnsafeMutablePointer<zmq_msg_t>, copying data: Data) throws(ZeroMQError) {
        try check(zmq_msg_init_size(pointer, data.count), "zmq_msg_init_size")
        guard !data.isEmpty, let target = zmq_msg_data(pointer) else { return }
        data.copyBytes(to: UnsafeMutableRawBufferPointer(start: target, count: data.count))
    }

    private static func initialise(_ pointer: UnsafeMutablePointer<zmq_msg_t>, sharing data: Data) throws(ZeroMQError) {
        // An NSData never moves its bytes; the retain is given back by libzmq's I/O thread when the frame is gone.
        let owner = data as NSData
        let hint = Unmanaged.passRetained(owner).toOpaque()
        let result = zmq_msg_init_data(
            pointer, UnsafeMutableRawPointer(mutating: owner.bytes), owner.length,
            { _, hint in
                guard let hint else { return }
                Unmanaged<NSData>.fromOpaque(hint).release()
            }, hint)
        if result == -1 {
            let error = ZeroMQError.last("zmq_msg_init_data")
            Unmanaged<NSData>.fromOpaque(hint).release()
            throw error
        }
    }

    public var count: Int { zmq_msg_size(pointer) }

    /// Whether further frames of the same message follow.
    var hasMore: Bool { zmq_msg_more(pointer) == 1 }

    public func withUnsafeBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
        try body(UnsafeRawBufferPointer(start: zmq_msg_data(pointer), count: count))
    }

    /// A copy of the bytes.
    public var data: Data { withUnsafeBytes { Data($0) } }

    /// The bytes without copying them: the returned `Data` keeps the frame alive. The frame must not be sent afterwards.
    public consuming func sharedData() -> Data {
        let size = count
        guard size >= Self.smallestSharedSize, let start = zmq_msg_data(pointer) else { return data }
        let owner = Unmanaged.passRetained(self)
        return Data(bytesNoCopy: start, count: size, deallocator: .custom { _, _ in owner.release() })
    }

    /// A property of the connection that the frame came by, such as `User-Id` (whose key it was) or `Peer-Address`.
    public func property(_ name: String) -> String? {
        zmq_msg_gets(pointer, name).map { String(cString: $0) }
    }
}
