import CProtobuf
import Foundation

/// Memory for one protobuf message while it is packed: everything is freed at once.
final class Arena {
    private var blocks: [UnsafeMutableRawPointer] = []

    deinit { for block in blocks { block.deallocate() } }

    private func allocate(_ size: Int, alignment: Int) -> UnsafeMutableRawPointer {
        let block = UnsafeMutableRawPointer.allocate(byteCount: max(size, 1), alignment: alignment)
        blocks.append(block)
        return block
    }

    /// A message that `initialise` has given its descriptor and defaults.
    func message<T>(
        _ initialise: (UnsafeMutablePointer<T>) -> Void, _ fill: (inout T) -> Void = { _ in }
    ) -> UnsafeMutablePointer<T> {
        let pointer = allocate(MemoryLayout<T>.stride, alignment: MemoryLayout<T>.alignment)
            .bindMemory(to: T.self, capacity: 1)
        initialise(pointer)
        fill(&pointer.pointee)
        return pointer
    }

    /// A C string; NUL bytes, which C cannot carry, become spaces.
    func string(_ text: String) -> UnsafeMutablePointer<CChar> {
        let utf8 = Array(text.utf8)
        let pointer = allocate(utf8.count + 1, alignment: 1).bindMemory(to: CChar.self, capacity: utf8.count + 1)
        for (index, byte) in utf8.enumerated() { pointer[index] = CChar(bitPattern: byte == 0 ? 32 : byte) }
        pointer[utf8.count] = 0
        return pointer
    }

    func bytes(_ data: Data) -> ProtobufCBinaryData {
        guard !data.isEmpty else { return ProtobufCBinaryData(len: 0, data: nil) }
        let pointer = allocate(data.count, alignment: 1).bindMemory(to: UInt8.self, capacity: data.count)
        data.copyBytes(to: pointer, count: data.count)
        return ProtobufCBinaryData(len: data.count, data: pointer)
    }

    func array<T>(_ elements: [T]) -> UnsafeMutablePointer<T>? {
        guard !elements.isEmpty else { return nil }
        let pointer = allocate(MemoryLayout<T>.stride * elements.count, alignment: MemoryLayout<T>.alignment)
            .bindMemory(to: T.self, capacity: elements.count)
        pointer.initialize(from: elements, count: elements.count)
        return pointer
    }

    func strings(_ texts: [String]) -> UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? {
        array(texts.map { Optional(string($0)) })
    }

    func lease(_ lease: ShardLease) -> UnsafeMutablePointer<Endoked__Lease> {
        message(endoked__lease__init) {
            $0.shard = lease.shard
            $0.attempt = lease.attempt
        }
    }

    func leases(_ leases: [ShardLease]) -> UnsafeMutablePointer<UnsafeMutablePointer<Endoked__Lease>?>? {
        array(leases.map { Optional(lease($0)) })
    }
}
