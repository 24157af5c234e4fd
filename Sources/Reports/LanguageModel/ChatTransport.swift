import CCurl
import Foundation
import Synchronization

/// Sends one request by libcurl and returns the reply, bounded in time and size; each on a thread of its own.
///
/// Not URLSession: on Linux it goes on watching a socket for room to write once the request was sent, and spends a
/// processor on that for as long as the model thinks. Neither redirects nor proxies are followed: reports go to the host
/// that was allowed and nowhere else.
package final class ChatTransport: Sendable {
    /// What came back.
    package struct Reply: Sendable {
        package var status: Int
        package var body: Data
        /// Seconds to wait, as the server asks (`Retry-After`).
        package var retryAfter: Double?
    }

    private let largestReply: Int
    private let underWay = Mutex<[ObjectIdentifier: Exchange]>([:])

    /// - Parameter largestReply: bytes of the largest body that is read.
    package init(largestReply: Int) { self.largestReply = largestReply }

    /// Posts `body` to `url`.
    ///
    /// - Parameter timeout: seconds until the reply must be whole.
    /// - Throws: `timedOut`, `transport`, `answerTooLarge`; `CancellationError` when the task was cancelled.
    package func post(_ body: Data, to url: URL, headers: [String: String], timeout: Double) async throws -> Reply {
        let exchange = Exchange(largestReply: largestReply)
        underWay.withLock { $0[ObjectIdentifier(exchange)] = exchange }
        defer { _ = underWay.withLock { $0.removeValue(forKey: ObjectIdentifier(exchange)) } }
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                Thread.detachNewThread {
                    continuation.resume(with: Result { try exchange.post(body, to: url, headers: headers, timeout: timeout) })
                }
            }
        } onCancel: {
            exchange.interrupt()
        }
    }

    /// Ends what is under way.
    package func close() { underWay.withLock { for exchange in $0.values { exchange.interrupt() } } }
}

/// One request, and what has come of its reply.
private final class Exchange: Sendable {
    private struct State {
        var body = Data()
        var isTooLarge = false
        var isInterrupted = false
    }

    private let largestReply: Int
    private let state = Mutex(State())

    init(largestReply: Int) { self.largestReply = largestReply }

    func interrupt() { state.withLock { $0.isInterrupted = true } }

    /// Global, and not safe among threads: once, before any request.
    private static let library: CURLcode = curl_global_init(Int(CURL_GLOBAL_DEFAULT))

    func post(_ body: Data, to url: URL, headers: [String: String], timeout: Double) throws -> ChatTransport.Reply {
        guard Self.library == CURLE_OK, let curl = curl_easy_init() else {
            throw ReportsError(.transport, "libcurl could not be started")
        }
        defer { curl_easy_cleanup(curl) }
        var list: UnsafeMutablePointer<curl_slist>?
        defer { curl_slist_free_all(list) }
        // "Expect:" in it lets a large report go at once, instead of after a server's leave.
        for (name, value) in headers.sorted(by: { $0.key < $1.key }) + [("Accept", "application/json"), ("Expect", "")] {
            guard let longer = curl_slist_append(list, "\(name): \(value)".trimmingCharacters(in: .whitespaces)) else {
                throw ReportsError(.transport, "there is no memory to ask the model")
            }
            list = longer
        }
        try set(curl, url, list, body, timeout)
        let code = curl_easy_perform(curl)
        let (received, isTooLarge, isInterrupted) = state.withLock { ($0.body, $0.isTooLarge, $0.isInterrupted) }
        if isTooLarge { throw ReportsError(.answerTooLarge, "the model's reply is larger than \(largestReply) bytes") }
        if isInterrupted { throw CancellationError() }
        guard code == CURLE_OK else { throw Self.error(of: code) }
        var (status, wait) = (0, curl_off_t(0))
        _ = ccurl_get_long(curl, CURLINFO_RESPONSE_CODE, &status)
        _ = ccurl_get_size(curl, CURLINFO_RETRY_AFTER, &wait)
        return ChatTransport.Reply(status: status, body: received, retryAfter: wait > 0 ? Double(wait) : nil)
    }

    private func set(
        _ curl: UnsafeMutableRawPointer, _ url: URL, _ headers: UnsafeMutablePointer<curl_slist>?, _ body: Data, _ timeout: Double
    ) throws {
        // The exchange outlives the call of `curl_easy_perform`, in which alone the callbacks are called: `post` holds it.
        let me = Unmanaged.passUnretained(self).toOpaque()
        var codes = [
            ccurl_set_text(curl, CURLOPT_URL, url.absoluteString),
            ccurl_set_text(curl, CURLOPT_PROTOCOLS_STR, "http,https"),
            ccurl_set_text(curl, CURLOPT_PROXY, ""),
            ccurl_set_list(curl, CURLOPT_HTTPHEADER, headers),
            ccurl_set_long(curl, CURLOPT_FOLLOWLOCATION, 0),
            // No signals: they would reach any thread.
            ccurl_set_long(curl, CURLOPT_NOSIGNAL, 1),
            ccurl_set_long(curl, CURLOPT_TIMEOUT_MS, Int(min(timeout * 1000, 1e12))),
            ccurl_set_long(curl, CURLOPT_CONNECTTIMEOUT_MS, Int(min(timeout * 1000, 1e12))),
            ccurl_set_writer(curl) { bytes, size, count, exchange in
                guard let bytes, let exchange else { return 0 }
                return Unmanaged<Exchange>.fromOpaque(exchange).takeUnretainedValue().take(bytes, size * count) ? size * count : 0
            },
            ccurl_set_pointer(curl, CURLOPT_WRITEDATA, me),
            // Asked a few times a second, also while nothing comes.
            ccurl_set_long(curl, CURLOPT_NOPROGRESS, 0),
            ccurl_set_progress(curl) { exchange, _, _, _, _ in
                guard let exchange else { return 0 }
                return Unmanaged<Exchange>.fromOpaque(exchange).takeUnretainedValue().isInterrupted ? 1 : 0
            },
            ccurl_set_pointer(curl, CURLOPT_XFERINFODATA, me),
            body.withUnsafeBytes { ccurl_set_body(curl, $0.baseAddress, $0.count) },
        ]
        // As OpenSSL's own tools do; libcurl by itself does not look there.
        if let authorities = ProcessInfo.processInfo.environment["SSL_CERT_FILE"], !authorities.isEmpty {
            codes.append(ccurl_set_text(curl, CURLOPT_CAINFO, authorities))
        }
        guard let wrong = codes.first(where: { $0 != CURLE_OK }) else { return }
        throw ReportsError(.transport, "libcurl refuses a setting (\(wrong.rawValue)): is it older than 7.85?")
    }

    private var isInterrupted: Bool { state.withLock { $0.isInterrupted } }

    /// - Returns: false for more than is read.
    private func take(_ bytes: UnsafeMutablePointer<CChar>, _ count: Int) -> Bool {
        state.withLock { state in
            guard state.body.count + count <= largestReply else {
                state.isTooLarge = true
                return false
            }
            state.body.append(contentsOf: UnsafeRawBufferPointer(start: bytes, count: count))
            return true
        }
    }

    /// Of the server's words nothing is quoted.
    private static func error(of code: CURLcode) -> ReportsError {
        switch code {
        case CURLE_OPERATION_TIMEDOUT: ReportsError(.timedOut, "the model did not answer in time")
        case CURLE_COULDNT_RESOLVE_HOST: ReportsError(.transport, "the name of the model's host is not known")
        case CURLE_COULDNT_CONNECT: ReportsError(.transport, "no model listens at the endpoint: is it started?")
        case CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CACERT_BADFILE:
            ReportsError(
                .transport, "the certificate of the model's server is not trusted: name its authority in SSL_CERT_FILE")
        case CURLE_SSL_CONNECT_ERROR, CURLE_SSL_CIPHER:
            ReportsError(.transport, "the model's server speaks no TLS that can be used")
        default:
            ReportsError(.transport, "the connection to the model failed (\(String(cString: curl_easy_strerror(code))))")
        }
    }
}
