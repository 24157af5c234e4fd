import Foundation
import Ledger
import Stages

/// What wakes the driver before its time.
enum DriverCommand: Sendable {
    case shardsEnded
    case jobsChanged
}

/// The thread that plans and reduces: it takes each job from stage to stage and from round to round. All it knows is in
/// the ledger, so that it can go on after a crash at any point.
struct JobDriver {
    let access: LedgerAccess
    let stages: StageRegistry
    let log: EventLog
    private let inbox: Mailbox<DriverCommand>
    private let writer: Mailbox<WriterCommand>
    private let pollInterval: Duration
    private let isTrusted: @Sendable () -> Bool
    /// What the jobs under way do, which never changes.
    private var plans: [JobID: JobPlan] = [:]
    /// Jobs that wait for their surroundings.
    private var waits: [JobID: JobWait] = [:]
    private var nextPruning: Instant

    init(
        access: LedgerAccess, term: CoordinatorTerm, pollInterval: Duration, isTrusted: @escaping @Sendable () -> Bool
    ) {
        self.access = access
        stages = term.stages
        log = term.log
        inbox = term.driver
        writer = term.writer
        self.pollInterval = pollInterval
        self.isTrusted = isTrusted
        nextPruning = .now + Self.pruningInterval
    }

    /// How often contents that nothing names any more are removed, and how old they must be: uploads precede the
    /// results that name them.
    private static let pruningInterval = Duration.seconds(600)
    private static let orphanAge = Duration.seconds(3600)

    mutating func run(until stop: StopFlag) throws {
        // What an earlier term waited for is nothing to this one.
        try access.persist { try $0.withdrawNotes() }
        while !stop.isSet {
            if isTrusted() {
                let jobs = try access.persist { try $0.activeJobs() }
                for id in Set(waits.keys).subtracting(jobs.map(\.id)) { waits[id] = nil }
                for job in jobs where !stop.isSet && !(waits[job.id].map { $0.next > .now } ?? false) {
                    try advance(job, stop)
                }
            }
            if isTrusted(), ContinuousClock.now >= nextPruning {
                nextPruning = .now + Self.pruningInterval
                try sweep(olderThan: Self.orphanAge)
            }
            _ = inbox.receiveAll(atMost: pollInterval)
            // Commits come in quick succession: one look at the counters serves many.
            Thread.sleep(forTimeInterval: 0.02)
        }
    }

    /// Removes contents that nothing names; once, since nothing waits for it.
    private func sweep(olderThan age: Duration) throws {
        if let removed = try access.tryOnce({ try $0.sweepOrphanBlobs(olderThan: age) }), removed > 0 {
            log(.info, "contents.removed", ["count": removed])
        }
    }

    /// Lets go of what stages that came to their end need no more; again at the job's end, should it not have come through.
    private func release(_ job: JobID, _ stages: [String]) throws {
        for stage in stages {
            if let removed = try access.tryOnce({ try $0.releaseContents(ofStage: stage, job: job) }), removed > 0 {
                log(.info, "contents.released", ["job": job, "stage": stage, "count": removed])
            }
        }
    }

    /// Takes a job as far as it can go now. An error of its stages ends the job, not the driver; one of its surroundings
    /// holds it up.
    private mutating func advance(_ job: Job, _ stop: StopFlag) throws {
        do {
            var plan = try plans[job.id] ?? JobPlan(stored: job.pipeline, registry: stages)
            var job = job
            while !stop.isSet, isTrusted() {
                guard let current = job.stages.first(where: { !$0.state.isFinal }) else {
                    return try end(job)
                }
                let name = current.name
                if current.state == .pending, try skip(name, of: job, plan) {
                    guard let again = try access.persist({ try $0.job(job.id) }), !again.state.isFinal else { return }
                    job = again
                    continue
                }
                try plan.leaveOut(Set(job.stages.filter { $0.state == .skipped }.map(\.name)), registry: stages)
                plans[job.id] = plan
                guard let index = plan.outlines.firstIndex(where: { $0.step.name == name }),
                    let stage = stages[plan.outlines[index].step.stage]
                else { throw ClusterError(.invalid, "the job's step \(name) is not in its pipeline") }
                let run = StageRun(
                    job: job, stage: stage, step: plan.outlines[index].step, sources: plan.outlines[index].sources,
                    earlier: plan.outlines[..<index].map(\.step.name), settings: plan.steps[index].settings,
                    centres: plan.centres, access: access, log: log)
                if current.state == .pending {
                    try access.persist { try $0.setStageState(job.id, stage: name, .running, message: "") }
                    log(.info, "stage.begun", ["job": job.id, "stage": name])
                }
                do {
                    let step = try run.advance()
                    if waits.removeValue(forKey: job.id) != nil {
                        try access.persist { try $0.setJobState(job.id, .running, message: "") }
                        log(.info, "job.goes-on", ["job": job.id, "stage": name])
                    }
                    switch step {
                    case .waiting: return
                    case .planned: writer.send(.work)
                    case .reduced: break
                    case .ended(let state, let message):
                        try access.persist { try $0.setStageState(job.id, stage: name, state, message: message) }
                        log(.info, "stage.ended", ["job": job.id, "stage": name, "state": state.rawValue, "message": message])
                        if state == .failed { return try fail(job, Self.named(name, message)) }
                        try release(job.id, [name])
                    }
                } catch  where Fault(error) == .work {
                    let message = "\(error)"
                    try access.persist { try $0.setStageState(job.id, stage: name, .failed, message: message) }
                    return try fail(job, Self.named(name, message))
                }
                guard let again = try access.persist({ try $0.job(job.id) }), !again.state.isFinal else { return }
                job = again
            }
        } catch {
            switch Fault(error) {
            case .term: throw error
            case .surroundings: try hold(job, error)
            case .work: try fail(job, "\(error)")
            }
        }
    }

    /// Skips a step of a loop's later generation where an earlier one ended the loop: what the ledger holds decides, so that
    /// it comes out the same whoever asks again.
    private func skip(_ name: String, of job: Job, _ plan: JobPlan) throws -> Bool {
        guard let step = plan.pipeline.steps.first(where: { $0.name == name }),
            let reason = try plan.pipeline.reasonToSkip(
                step, metrics: { name in try access.persist { try $0.lastMetrics(job: job.id, stage: name) } })
        else { return false }
        try access.persist { try $0.setStageState(job.id, stage: name, .skipped, message: reason) }
        log(.info, "stage.skipped", ["job": job.id, "stage": name, "reason": reason])
        return true
    }

    /// Something that is not the job's fault is in its way: says so, and lets it be for a while.
    private mutating func hold(_ job: Job, _ error: any Error) throws {
        var wait = waits[job.id] ?? JobWait()
        let isNew = waits[job.id] == nil
        let note = wait.lengthen("\(error)", now: .now)
        waits[job.id] = wait
        if isNew { log(.warning, "job.waits", ["job": job.id, "reason": "\(error)"]) }
        try access.persist { try $0.setJobState(job.id, .running, message: note) }
    }

    /// The message with the step it is of; a stage's own errors name it themselves.
    private static func named(_ step: String, _ message: String) -> String {
        ["stage \(step)", "step \(step)"].contains { message.hasPrefix($0) } ? message : "stage \(step): \(message)"
    }

    private mutating func end(_ job: Job) throws {
        // Generations that were not needed leave nothing undone.
        let incomplete = job.stages.filter { $0.state != .complete && $0.state != .skipped }
        let state: Job.State = incomplete.isEmpty ? .complete : .partial
        let message = incomplete.map { "\($0.name): \($0.message)" }.joined(separator: "; ")
        plans[job.id] = nil
        waits[job.id] = nil
        try release(job.id, job.stages.filter { $0.state == .complete || $0.state == .partial }.map(\.name))
        // Where no other job runs nothing is on its way: what is not named now never will be.
        if try access.persist({ try $0.activeJobs() }).allSatisfy({ $0.id == job.id }) { try sweep(olderThan: .zero) }
        try access.persist { try $0.setJobState(job.id, state, message: message) }
        log(.info, "job.ended", ["job": job.id, "state": state.rawValue, "message": message])
    }

    private mutating func fail(_ job: Job, _ message: String) throws {
        plans[job.id] = nil
        waits[job.id] = nil
        try access.persist { try $0.setJobState(job.id, .failed, message: message) }
        log(.error, "job.failed", ["job": job.id, "message": message])
    }
}

/// A job as its driver takes it on: read and checked once.
private struct JobPlan {
    let centres: [String]
    let pipeline: Pipeline
    /// Steps that do not run.
    private var skipped: Set<String> = []
    /// The others, in order, and what others see of them.
    private(set) var steps: [Pipeline.Step]
    private(set) var outlines: [(step: StepOutline, sources: StepSources)]

    init(stored: Data, registry: StageRegistry) throws {
        let description = try JobDescription(stored: stored)
        centres = description.centres
        pipeline = try description.pipeline(registry: registry)
        steps = pipeline.steps
        outlines = try pipeline.outlines(registry: registry)
    }

    /// From now on these do not run: whoever reads them reads what stands for them.
    mutating func leaveOut(_ names: Set<String>, registry: StageRegistry) throws {
        guard names != skipped else { return }
        skipped = names
        steps = pipeline.steps(skipping: names)
        outlines = try Pipeline.outlines(of: steps, registry: registry)
    }
}
