import CTLS
import Foundation

/// One TLS session as a client, by bytes in memory: it neither sends nor receives.
///
/// The server must show a certificate for its host that the system's authorities (or those in the variable
/// `SSL_CERT_FILE`) vouch for.
final class TLSSession {
    private let context: OpaquePointer
    private let session: OpaquePointer
    /// What came from the server, and what is to be sent to it.
    private let incoming: OpaquePointer
    private let outgoing: OpaquePointer

    /// - Throws: `transport` when the library cannot be set up.
    init(host: String) throws {
        guard let context = SSL_CTX_new(TLS_client_method()) else { throw Self.unusable }
        guard let session = SSL_new(context), let incoming = BIO_new(BIO_s_mem()), let outgoing = BIO_new(BIO_s_mem()) else {
            SSL_CTX_free(context)
            throw Self.unusable
        }
        self.context = context
        self.session = session
        self.incoming = incoming
        self.outgoing = outgoing
        ctls_wait_when_empty(incoming)
        ctls_wait_when_empty(outgoing)
        // The session owns both from here on.
        SSL_set_bio(session, incoming, outgoing)
        SSL_set_connect_state(session)
        SSL_set_verify(session, SSL_VERIFY_PEER, nil)
        let isAddress = X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(session), host) == 1
        guard ctls_require_tls12(context) == 1, SSL_CTX_set_default_verify_paths(context) == 1,
            isAddress || (SSL_set1_host(session, host) == 1 && ctls_set_server_name(session, host) == 1)
        else { throw Self.unusable }
    }

    deinit {
        SSL_free(session)
        SSL_CTX_free(context)
    }

    /// Takes bytes from the server.
    func take(_ bytes: [UInt8]) {
        // A BIO in memory takes what there is memory for.
        _ = bytes.withUnsafeBytes { BIO_write(incoming, $0.baseAddress, Int32($0.count)) }
    }

    /// The bytes that are to be sent to the server.
    func bytesToSend() -> [UInt8] {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 14)
        while true {
            let count = BIO_read(outgoing, &buffer, Int32(buffer.count))
            guard count > 0 else { return bytes }
            bytes += buffer[..<Int(count)]
        }
    }

    /// Goes on with the handshake; whether it is done.
    ///
    /// - Throws: `transport` when the server is not who it should be.
    func shakesHands() throws -> Bool {
        ERR_clear_error()
        let result = SSL_do_handshake(session)
        if result == 1 { return true }
        guard SSL_get_error(session, result) == SSL_ERROR_WANT_READ else {
            guard SSL_get_verify_result(session) == Int(X509_V_OK) else {
                throw ReportsError(
                    .transport, "the certificate of the model's server is not trusted: give its authority in SSL_CERT_FILE")
            }
            throw ReportsError(.transport, "the model's server speaks no TLS that can be used")
        }
        return false
    }

    /// Encrypts `bytes`, to be found in `bytesToSend`.
    func write(_ bytes: [UInt8]) throws {
        ERR_clear_error()
        guard SSL_write(session, bytes, Int32(bytes.count)) == Int32(bytes.count) else {
            throw ReportsError(.transport, "the connection to the model broke")
        }
    }

    /// What the bytes that came say so far.
    func read() throws -> (bytes: [UInt8], isEnded: Bool) {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 14)
        while true {
            ERR_clear_error()
            let count = SSL_read(session, &buffer, Int32(buffer.count))
            if count > 0 {
                bytes += buffer[..<Int(count)]
                continue
            }
            switch SSL_get_error(session, count) {
            case SSL_ERROR_WANT_READ: return (bytes, false)
            case SSL_ERROR_ZERO_RETURN: return (bytes, true)
            default: throw ReportsError(.transport, "the connection to the model broke")
            }
        }
    }

    private static var unusable: ReportsError { ReportsError(.transport, "TLS cannot be set up") }
}
