import Digest
import Foundation
import NeuralNetwork

extension MILTrainStage {
    public func reduce(
        round: Int, records: [ShardRecord], settings: StageSettings, view: any PlanningView
    ) throws -> RoundOutcome {
        let settings = try MILTrainSettings(settings, stage: name)
        // Without validation studies the closing round has no shards: the model stands as the last round left it.
        let handedOn = try view.model(ofStep: view.step.name, startingRound: round)
        guard let base = try Self.base(of: records) ?? (records.isEmpty ? handedOn : nil) else {
            throw StageError(.missingInput, "no shard of round \(round) came through: see the quarantined shards")
        }
        let decoded = try records.map { shard in
            (
                shard: shard,
                record: try shard.decoded(as: MILTrainRecord.self)
            )
        }
        var metrics = try MILTrainMetrics(decoded.compactMap(\.record)).values
        if round == 0 { metrics.merge(TrainedModel.metrics(of: settings)) { first, _ in first } }
        let old = try view.state(ofStep: view.step.name, startingRound: round).map { try MILTrainState(decoding: try view.content($0)) }
        var state = old ?? MILTrainState()
        let baseData = try view.content(base)
        if settings.select == .best, let area = metrics["validationAUC"], area > state.bestArea ?? -1 {
            state.bestArea = area
            state.bestRound = round
            state.best = baseData
        }
        guard round < settings.rounds else {
            if settings.select == .best, let best = state.best {
                metrics["selectedRound"] = Double(state.bestRound ?? round)
                return RoundOutcome(model: best, metrics: metrics)
            }
            return RoundOutcome(model: baseData, metrics: metrics)
        }
        return try StageError.naming("round \(round)", notFinite: .numeric) {
            let parts = decoded.compactMap { shard, record in
                record.flatMap { record in
                    record.kind == .train ? ReplicaAverage.Part(shard: shard, samples: record.images, base: record.base) : nil
                }
            }
            let outcome = try ReplicaAverage.apply(
                parts, to: ParameterSet(decoding: baseData), averaging: settings.averaging, momentum: state.momentum, view: view)
            guard outcome.meanDeltaNorm > 0 else {
                throw StageError(.numeric, "round \(round): no parameter moved; is the learning rate too small?")
            }
            state.momentum = outcome.momentum?.encoded()
            metrics["deltaNorm"] = outcome.meanDeltaNorm
            let total = Double(max(1, outcome.contributions.reduce(0) { $0 + $1.sampleCount }))
            return RoundOutcome(
                model: outcome.parameters.encoded(), state: state.isEmpty ? nil : try state.encoded(), metrics: metrics,
                contributions: Self.contributions(decoded, total: total))
        }
    }

    /// Who took part, in the order in which they were folded: by key.
    private static func contributions(
        _ decoded: [(shard: ShardRecord, record: MILTrainRecord?)], total: Double
    ) -> [RoundOutcome.Contribution] {
        decoded.filter { $0.shard.key.hasPrefix("train/") }.sorted { $0.shard.key < $1.shard.key }.map { shard, record in
            RoundOutcome.Contribution(
                shardKey: shard.key, centre: shard.centre, samples: record?.images ?? 0,
                weight: Double(record?.images ?? 0) / total, loss: record.map { $0.teacherLoss + $0.studentLoss },
                rejection: record == nil ? "quarantined" : nil)
        }
    }

    /// The parameters from which the round's shards started.
    private static func base(of records: [ShardRecord]) throws -> SHA256Digest? {
        for shard in records {
            if let record = try shard.decoded(as: MILTrainRecord.self) { return record.base }
        }
        return nil
    }
}

/// What `reduce` hands on to the next round beside the model: the outer optimiser's momentum, and the best model so far.
/// It holds their bytes: the ledger prunes old rounds.
struct MILTrainState {
    var bestArea: Double?
    var bestRound: Int?
    var best: Data?
    var momentum: Data?

    private struct Header: Codable {
        var bestArea: Double?
        var bestRound: Int?
        var bestBytes: Int
        var momentumBytes: Int
    }

    init() {}

    var isEmpty: Bool { best == nil && momentum == nil }

    /// A line of JSON, then the best model's bytes, then the momentum's.
    func encoded() throws -> Data {
        let header = Header(
            bestArea: bestArea, bestRound: bestRound, bestBytes: best?.count ?? 0, momentumBytes: momentum?.count ?? 0)
        return try StageCoding.encode(header) + Data("\n".utf8) + (best ?? Data()) + (momentum ?? Data())
    }

    init(decoding data: Data) throws {
        guard let end = data.firstIndex(of: UInt8(ascii: "\n")) else {
            throw StageError(.missingInput, "the state of mil-train has no header")
        }
        let header = try StageCoding.decode(Header.self, from: data[..<end], of: "the state of mil-train")
        let start = end + 1
        guard header.bestBytes >= 0, header.momentumBytes >= 0,
            data.endIndex - start == header.bestBytes + header.momentumBytes
        else { throw StageError(.missingInput, "the state of mil-train is cut off") }
        bestArea = header.bestArea
        bestRound = header.bestRound
        let middle = start + header.bestBytes
        best = header.bestBytes > 0 ? Data(data[start..<middle]) : nil
        momentum = header.momentumBytes > 0 ? Data(data[middle...]) : nil
    }
}
