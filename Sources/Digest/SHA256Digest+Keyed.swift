import Foundation

extension SHA256Digest {
    /// HMAC-SHA-256 (RFC 2104): a digest of `message` that nobody can make, or check, without `key`.
    public init(authenticating message: some ContiguousBytes, key: [UInt8]) {
        let blockSize = 64
        var block = key.count > blockSize ? SHA256Digest(hashing: key).bytes : key
        block += [UInt8](repeating: 0, count: blockSize - block.count)
        var inner = SHA256Hasher()
        inner.update(block.map { $0 ^ 0x36 })
        inner.update(message)
        var outer = SHA256Hasher()
        outer.update(block.map { $0 ^ 0x5C })
        outer.update(inner.finalize().bytes)
        self = outer.finalize()
    }
}
