import CProtobuf
import Foundation

/// Reads fields of an unpacked protobuf message, and refuses what the protocol does not allow.
enum FieldReader {
    static func malformed(_ reason: String) -> WireError { WireError(.malformed, reason) }

    /// A text of at most `limit` bytes of UTF-8.
    static func text(
        _ pointer: UnsafeMutablePointer<CChar>?, _ field: String, limit: Int = WireProtocol.textSizeInBytes
    ) throws(WireError) -> String {
        guard let pointer else { return "" }
        let length = strlen(pointer)
        guard length <= limit else { throw WireError(.tooLarge, "\(field) has \(length) bytes; at most \(limit)") }
        guard let text = String(validatingCString: pointer) else { throw malformed("\(field) is not UTF-8") }
        return text
    }

    /// A name: not empty, without control characters.
    static func name(_ pointer: UnsafeMutablePointer<CChar>?, _ field: String) throws(WireError) -> String {
        let text = try text(pointer, field, limit: WireProtocol.nameSizeInBytes)
        guard !text.isEmpty else { throw malformed("\(field) is empty") }
        guard text.unicodeScalars.allSatisfy({ $0.value >= 32 && $0.value != 127 }) else {
            throw malformed("\(field) holds control characters")
        }
        return text
    }

    /// A name that may be absent: nil where it is empty.
    static func optionalName(_ pointer: UnsafeMutablePointer<CChar>?, _ field: String) throws(WireError) -> String? {
        guard let pointer, pointer.pointee != 0 else { return nil }
        return try name(pointer, field)
    }

    static func names(
        _ pointer: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?, _ count: Int, _ field: String
    ) throws(WireError) -> [String] {
        try list(pointer, count, field) { (element) throws(WireError) in try name(element, field) }
    }

    static func bytes(_ value: ProtobufCBinaryData) -> Data {
        guard let start = value.data, value.len > 0 else { return Data() }
        return Data(bytes: start, count: value.len)
    }

    static func digest(_ value: ProtobufCBinaryData, _ field: String) throws(WireError) -> Data {
        guard value.len == 32 else { throw malformed("\(field) has \(value.len) bytes instead of 32") }
        return bytes(value)
    }

    /// A list of sub-messages or strings.
    static func list<Element, Result>(
        _ pointer: UnsafeMutablePointer<UnsafeMutablePointer<Element>?>?, _ count: Int, _ field: String,
        _ read: (UnsafeMutablePointer<Element>) throws(WireError) -> Result
    ) throws(WireError) -> [Result] {
        guard count <= WireProtocol.listCount else {
            throw WireError(.tooLarge, "\(field) lists \(count) entries; at most \(WireProtocol.listCount)")
        }
        guard count > 0 else { return [] }
        guard let pointer else { throw malformed("\(field) is absent") }
        var results: [Result] = []
        results.reserveCapacity(count)
        for index in 0..<count {
            guard let element = pointer[index] else { throw malformed("\(field)[\(index)] is absent") }
            results.append(try read(element))
        }
        return results
    }

    static func lease(_ pointer: UnsafeMutablePointer<Endoked__Lease>?, _ field: String) throws(WireError) -> ShardLease {
        guard let lease = pointer?.pointee else { throw malformed("\(field) has no lease") }
        guard lease.shard > 0, lease.attempt > 0 else { throw malformed("\(field) has a lease without numbers") }
        return ShardLease(shard: lease.shard, attempt: lease.attempt)
    }

    static func leases(
        _ pointer: UnsafeMutablePointer<UnsafeMutablePointer<Endoked__Lease>?>?, _ count: Int, _ field: String
    ) throws(WireError) -> [ShardLease] {
        try list(pointer, count, field) { (element) throws(WireError) in try lease(element, field) }
    }
}
