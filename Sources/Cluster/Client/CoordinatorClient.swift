import Foundation
import Ledger
import Wire
import ZeroMQ

/// Asks a coordinator for status, and gives it jobs. It belongs to the thread that made it.
public final class CoordinatorClient {
    private let endpoint: Endpoint
    private let socket: Socket
    private var poller: Poller
    private var lastRequest: UInt64

    /// - Throws: `ClusterError.configuration` for an endpoint that other hosts can reach without keys.
    public init(endpoint: Endpoint, allowPlaintext: Bool = false, security: SocketSecurity = .none) throws {
        let hasKeys = if case .client = security { true } else { false }
        do {
            try endpoint.requireProtection(hasKeys: hasKeys, allowPlaintext: allowPlaintext)
        } catch {
            throw ClusterError(.configuration, error.message)
        }
        self.endpoint = endpoint
        var options = SocketOptions()
        options.security = security
        options.maximumFrameSizeInBytes = 256 << 20
        socket = try Socket(.dealer, in: try Context(), options: options)
        try socket.connect(endpoint)
        poller = Poller(sockets: [socket], wakeUp: try WakeUp())
        // Answers to an earlier client's requests on the same coordinator cannot be taken for ours.
        lastRequest = UInt64.random(in: 1...(1 << 62))
    }

    /// The ledger's snapshot, of one job or of all.
    /// - Throws: `ClusterError.unreachable`, `.timeout`, or `.refused` with the coordinator's reason.
    public func status(job: JobID? = nil, timeout: Duration = .seconds(5)) throws -> StatusSnapshot {
        let request = nextRequest()
        let answer = try ask(.statusQuery(request: request, job: job?.rawValue ?? 0), timeout) { message in
            if case .statusAnswer(request, let json, let error) = message { (json, error) } else { nil }
        }
        guard answer.1.isEmpty else { throw ClusterError(.refused, answer.1) }
        do {
            return try JSONDecoder().decode(StatusSnapshot.self, from: answer.0)
        } catch {
            throw ClusterError(.invalid, "the coordinator's status cannot be read: use programs of the same release")
        }
    }

    /// Gives the coordinator a job. Repeating it with the same `idempotencyKey` is harmless.
    ///
    /// - Parameters:
    ///   - pipeline: JSON5.
    ///   - centres: empty for all that the connected workers can read.
    public func submit(
        pipeline: Data, archive: String, centres: [String], idempotencyKey: String = UUID().uuidString,
        timeout: Duration = .seconds(10)
    ) throws -> JobID {
        let request = nextRequest()
        let submission = SubmitJob(
            request: request, pipeline: pipeline, archive: archive, idempotencyKey: idempotencyKey, centres: centres)
        return JobID(try askAboutJob(.submitJob(submission), request, timeout))
    }

    /// Ends a job; its open shards are cancelled.
    /// - Throws: `ClusterError.refused` when it had ended.
    public func cancel(job: JobID, reason: String, timeout: Duration = .seconds(10)) throws {
        let request = nextRequest()
        _ = try askAboutJob(.cancelJob(request: request, job: job.rawValue, reason: reason), request, timeout)
    }

    /// Takes up a job that failed or was cancelled, where it stood.
    /// - Throws: `ClusterError.refused` when it runs, came to its end, or was pruned.
    public func resume(job: JobID, timeout: Duration = .seconds(10)) throws {
        let request = nextRequest()
        _ = try askAboutJob(.resumeJob(request: request, job: job.rawValue), request, timeout)
    }

    /// Gives a job's quarantined shards another chance; a failed job is taken up again.
    /// - Returns: how many were queued again.
    public func requeue(job: JobID, stage: String? = nil, timeout: Duration = .seconds(10)) throws -> Int {
        let request = nextRequest()
        let question = WireMessage.requeueJob(request: request, job: job.rawValue, stage: stage ?? "")
        let answer = try ask(question, timeout) { message in
            if case .requeueAnswer(request, let count, let error) = message { (count, error) } else { nil }
        }
        guard answer.1.isEmpty else { throw ClusterError(.refused, answer.1) }
        return Int(answer.0)
    }

    private func nextRequest() -> UInt64 {
        lastRequest &+= 1
        return lastRequest
    }

    private func askAboutJob(_ message: WireMessage, _ request: UInt64, _ timeout: Duration) throws -> Int64 {
        let answer = try ask(message, timeout) { message in
            if case .jobAnswer(request, let job, let error) = message { (job, error) } else { nil }
        }
        guard answer.1.isEmpty else { throw ClusterError(.refused, answer.1) }
        return answer.0
    }

    private func ask<Answer>(
        _ message: WireMessage, _ timeout: Duration, _ read: (WireMessage) -> Answer?
    ) throws -> Answer {
        let deadline = ContinuousClock.now + timeout
        while try socket.send(try message.frames()) != .sent {
            guard ContinuousClock.now < deadline else {
                throw ClusterError(.unreachable, "no coordinator answers at \(endpoint): is one running there, and does it lead?")
            }
            Thread.sleep(forTimeInterval: 0.005)
        }
        while ContinuousClock.now < deadline {
            _ = try poller.wait(atMost: deadline - .now)
            while let frames = try socket.receive() {
                let message = try WireMessage(frames: frames)
                if let answer = read(message) { return answer }
                if case .refused(let refused) = message { throw ClusterError(.refused, refused.reason) }
            }
        }
        throw ClusterError(.timeout, "the coordinator at \(endpoint) did not answer within \(timeout.inSeconds) s")
    }
}
