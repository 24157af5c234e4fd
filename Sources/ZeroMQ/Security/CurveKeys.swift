import CZeroMQ
import Foundation

/// A CURVE public key: 32 bytes, written as 40 characters of Z85.
public struct CurvePublicKey: Sendable, Hashable, CustomStringConvertible {
    public let bytes: [UInt8]

    /// - Throws: `ZeroMQError.key` for anything but 40 characters of Z85, and for the keys printed in libzmq's manual.
    public init(z85 text: String) throws(ZeroMQError) {
        bytes = try CurveKeyPair.decode(text)
    }

    /// A key from its 32 bytes, as a ZAP request carries it; nil for any other count.
    public init?(bytes: some Collection<UInt8>) {
        guard bytes.count == 32 else { return nil }
        self.bytes = Array(bytes)
    }

    public var z85: String { CurveKeyPair.encode(bytes) }
    public var description: String { z85 }
}

/// A key pair. The secret half is never printed.
public struct CurveKeyPair: Sendable, CustomStringConvertible {
    public let publicKey: CurvePublicKey
    private let secret: [UInt8]

    /// A new pair, from the system's random numbers.
    public init() throws(ZeroMQError) {
        var publicText = [CChar](repeating: 0, count: 41)
        var secretText = [CChar](repeating: 0, count: 41)
        try check(zmq_curve_keypair(&publicText, &secretText), "zmq_curve_keypair")
        publicKey = try CurvePublicKey(z85: Self.string(publicText))
        secret = try Self.decode(Self.string(secretText))
    }

    /// The pair of a secret key; the public half follows from it.
    public init(secretZ85 text: String) throws(ZeroMQError) {
        secret = try Self.decode(text)
        var publicText = [CChar](repeating: 0, count: 41)
        try check(zmq_curve_public(&publicText, text), "zmq_curve_public")
        publicKey = try CurvePublicKey(z85: Self.string(publicText))
    }

    /// The secret key as text, to be written into a file that only its owner can read.
    public var secretZ85: String { Self.encode(secret) }

    public var description: String { "CurveKeyPair(public: \(publicKey))" }

    func withSecretKey(_ body: ([UInt8]) throws(ZeroMQError) -> Void) throws(ZeroMQError) { try body(secret) }

    // The four keys of zmq_curve(7): whoever copies the manual must not think to be protected.
    private static let published: Set<String> = [
        "Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID", "D:)Q[IlAW!ahhC2ac:9*A}h:p?([4%wOTJ%JR%cs",
        "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7", "JTKVSB%%)wK0E.X)V>+}o?pNmC{O&4W4b!Ni{Lh6",
    ]

    static func decode(_ text: String) throws(ZeroMQError) -> [UInt8] {
        let alphabet = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#"
        let allowed = Set(alphabet.utf8)
        guard text.utf8.count == 40, text.utf8.allSatisfy(allowed.contains) else {
            throw ZeroMQError(.key, "a CURVE key is 40 characters of Z85; this text has \(text.utf8.count) bytes")
        }
        guard !published.contains(text) else {
            throw ZeroMQError(.key, "this key is printed in libzmq's manual and protects nothing: make a new pair")
        }
        var bytes = [UInt8](repeating: 0, count: 32)
        guard zmq_z85_decode(&bytes, text) != nil else {
            throw ZeroMQError(.key, "this text is not Z85")
        }
        return bytes
    }

    static func encode(_ bytes: [UInt8]) -> String {
        var text = [CChar](repeating: 0, count: bytes.count * 5 / 4 + 1)
        guard zmq_z85_encode(&text, bytes, bytes.count) != nil else { return "" }
        return string(text)
    }

    private static func string(_ text: [CChar]) -> String {
        String(decoding: text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }
}
