import CProtobuf
import Foundation

extension Hello {
    init(reading hello: Endoked__Hello) throws(WireError) {
        guard hello.boot.len == 16 else {
            throw WireError(.malformed, "hello.boot has \(hello.boot.len) bytes instead of 16")
        }
        guard (1...4096).contains(hello.slots) else {
            throw WireError(.malformed, "hello.slots is \(hello.slots); 1 to 4096")
        }
        self.init(
            lowestVersion: hello.lowest_version, highestVersion: hello.highest_version,
            worker: try FieldReader.name(hello.worker, "hello.worker"), boot: FieldReader.bytes(hello.boot),
            slots: hello.slots, centres: try FieldReader.names(hello.centres, hello.n_centres, "hello.centres"),
            stages: try FieldReader.names(hello.stages, hello.n_stages, "hello.stages"),
            numericSetup: try FieldReader.text(hello.numeric_setup, "hello.numeric_setup"),
            program: try FieldReader.text(hello.program, "hello.program"),
            host: try FieldReader.text(hello.host, "hello.host"), process: hello.process,
            held: try FieldReader.leases(hello.held, hello.n_held, "hello.held"))
    }
}

extension Welcome {
    init(reading welcome: Endoked__Welcome) throws(WireError) {
        guard welcome.heartbeat_interval > 0, welcome.lease_duration > welcome.heartbeat_interval else {
            throw WireError(.malformed, "welcome: a lease must last longer than a heartbeat's interval")
        }
        self.init(
            version: welcome.version, epoch: welcome.epoch,
            heartbeatInterval: .milliseconds(Int64(welcome.heartbeat_interval)),
            leaseDuration: .milliseconds(Int64(welcome.lease_duration)),
            revoked: try FieldReader.leases(welcome.revoked, welcome.n_revoked, "welcome.revoked"))
    }
}

extension Refused {
    init(reading refused: Endoked__Refused) throws(WireError) {
        // A reason that a later version has added is still a refusal.
        self.init(
            code: Code(rawValue: Int32(truncatingIfNeeded: refused.code.rawValue)) ?? .unspecified,
            reason: try FieldReader.text(refused.reason, "refused.reason"))
    }
}

extension Heartbeat {
    init(reading heartbeat: Endoked__Heartbeat) throws(WireError) {
        self.init(
            sequence: heartbeat.sequence,
            held: try FieldReader.list(heartbeat.held, heartbeat.n_held, "heartbeat.held") { (entry) throws(WireError) in
                Progress(
                    lease: try FieldReader.lease(entry.pointee.lease, "heartbeat.held"), done: entry.pointee.done,
                    total: entry.pointee.total, isRunning: entry.pointee.running != 0)
            },
            limit: heartbeat.limit, isDraining: heartbeat.draining != 0, residentBytes: heartbeat.resident_bytes,
            troubles: try FieldReader.list(heartbeat.troubles, heartbeat.n_troubles, "heartbeat.troubles") {
                (entry) throws(WireError) in
                let centre = try FieldReader.text(entry.pointee.centre, "heartbeat.troubles")
                return Trouble(
                    centre: centre.isEmpty ? nil : centre, job: entry.pointee.job == 0 ? nil : entry.pointee.job,
                    reason: try FieldReader.text(entry.pointee.reason, "heartbeat.troubles"),
                    age: .milliseconds(Int64(clamping: min(entry.pointee.age, 1 << 50))))
            })
    }
}

extension HeartbeatAck {
    init(reading ack: Endoked__HeartbeatAck) throws(WireError) {
        self.init(
            sequence: ack.sequence,
            revoked: try FieldReader.leases(ack.revoked, ack.n_revoked, "heartbeat_ack.revoked"),
            isLedgerAway: ack.ledger_away != 0, epoch: ack.epoch)
    }
}
