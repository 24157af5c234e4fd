import Foundation
import Synchronization

#if canImport(FoundationNetworking)
    import FoundationNetworking
#endif

/// Sends one request and returns the reply, bounded in time and size. URLSession's own threads do the waiting.
final class ChatTransport: NSObject, URLSessionDataDelegate, Sendable {
    /// What came back.
    struct Reply: Sendable {
        var status: Int
        var body: Data
        /// Seconds to wait, as the server asks (`Retry-After`).
        var retryAfter: Double?
    }

    private struct Pending {
        var continuation: CheckedContinuation<Reply, any Error>
        var reply: Reply
    }

    private let largestReply: Int
    private let pending = Mutex<[Int: Pending]>([:])
    private let session = Mutex<URLSession?>(nil)
    private let timeout: Double

    init(timeout: Double, largestReply: Int) {
        self.timeout = timeout
        self.largestReply = largestReply
        super.init()
    }

    /// Sends `request`.
    ///
    /// - Throws: `timedOut`, `transport`, `answerTooLarge`; `CancellationError` when the task was cancelled.
    func send(_ request: URLRequest) async throws -> Reply {
        let session = openSession()
        let task = session.dataTask(with: request)
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                pending.withLock {
                    $0[task.taskIdentifier] = Pending(continuation: continuation, reply: Reply(status: 0, body: Data()))
                }
                task.resume()
                if Task.isCancelled { giveUp(task, CancellationError()) }
            }
        } onCancel: {
            giveUp(task, CancellationError())
        }
    }

    /// Ends the wait for a reply at once. Cancelling the task itself waits for the queue that reads, which a fast reply
    /// without end keeps busy, for a minute if need be: so it neither holds up who waits nor the delegate's queue, which
    /// meanwhile throws away what still comes.
    private func giveUp(_ task: URLSessionTask, _ error: any Error) {
        pending.withLock { $0.removeValue(forKey: task.taskIdentifier) }?.continuation.resume(throwing: error)
        DispatchQueue.global().async { task.cancel() }
    }

    /// Closes the connections; a session holds its delegate until then.
    func close() {
        session.withLock {
            $0?.invalidateAndCancel()
            $0 = nil
        }
    }

    private func openSession() -> URLSession {
        session.withLock { session in
            if let session { return session }
            let configuration = URLSessionConfiguration.ephemeral
            configuration.timeoutIntervalForRequest = timeout
            configuration.timeoutIntervalForResource = timeout
            configuration.httpShouldSetCookies = false
            configuration.urlCache = nil
            let made = URLSession(configuration: configuration, delegate: self, delegateQueue: nil)
            session = made
            return made
        }
    }

    // MARK: URLSessionDataDelegate

    func urlSession(
        _ session: URLSession, dataTask: URLSessionDataTask, didReceive response: URLResponse,
        completionHandler: @escaping (URLSession.ResponseDisposition) -> Void
    ) {
        let http = response as? HTTPURLResponse
        let tooLarge = response.expectedContentLength > Int64(largestReply)
        pending.withLock {
            $0[dataTask.taskIdentifier]?.reply.status = http?.statusCode ?? 0
            $0[dataTask.taskIdentifier]?.reply.retryAfter = http?.value(forHTTPHeaderField: "Retry-After").flatMap(Double.init)
        }
        if tooLarge { giveUp(dataTask, tooLargeError) }
        completionHandler(tooLarge ? .cancel : .allow)
    }

    func urlSession(_ session: URLSession, dataTask: URLSessionDataTask, didReceive data: Data) {
        let isTooLarge = pending.withLock {
            $0[dataTask.taskIdentifier]?.reply.body.append(data)
            return $0[dataTask.taskIdentifier].map { $0.reply.body.count > largestReply } ?? false
        }
        if isTooLarge { giveUp(dataTask, tooLargeError) }
    }

    func urlSession(_ session: URLSession, task: URLSessionTask, didCompleteWithError error: (any Error)?) {
        guard let one = pending.withLock({ $0.removeValue(forKey: task.taskIdentifier) }) else { return }
        if let error {
            one.continuation.resume(throwing: Self.translated(error))
        } else {
            one.continuation.resume(returning: one.reply)
        }
    }

    /// A redirect could lead past the allow-list: it is not followed, its status is the reply.
    func urlSession(
        _ session: URLSession, task: URLSessionTask, willPerformHTTPRedirection response: HTTPURLResponse,
        newRequest request: URLRequest, completionHandler: @escaping (URLRequest?) -> Void
    ) {
        completionHandler(nil)
    }

    private var tooLargeError: ReportsError {
        ReportsError(.answerTooLarge, "the model's reply is larger than \(largestReply) bytes")
    }

    private static func translated(_ error: any Error) -> any Error {
        guard let error = error as? URLError else {
            return ReportsError(.transport, "the connection to the model failed")
        }
        return switch error.code {
        case .timedOut: ReportsError(.timedOut, "the model did not answer in time")
        case .cancelled: CancellationError()
        case .cannotConnectToHost: ReportsError(.transport, "no model listens at the endpoint: is it started?")
        default: ReportsError(.transport, "the connection to the model failed (URL error \(error.code.rawValue))")
        }
    }
}
