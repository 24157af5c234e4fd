import Digest
import Foundation

/// What `reduce` hands on to the next round beside the model: the outer optimiser's momentum, and which model was best so far.
///
/// The best model is named, not copied: it is stored since it was a round's outcome, and the next round's shards name it
/// (`AveragedRounds.keepingBest`), so that the ledger keeps it however many rounds it let go of. The momentum, which is
/// another one each round, is here itself.
struct AveragingState {
    /// The number by which the best model was chosen, higher being better.
    var bestArea: Double?
    var bestRound: Int?
    var best: SHA256Digest?
    /// An encoded `ParameterSet`.
    var momentum: Data?

    private struct Header: Codable {
        var bestArea: Double?
        var bestRound: Int?
        var best: SHA256Digest?
        /// Of the best model itself, in states written before it was named.
        var bestBytes: Int?
        var momentumBytes: Int
    }

    init() {}

    var isEmpty: Bool { best == nil && momentum == nil }

    /// A line of JSON, then the momentum's bytes.
    func encoded() throws -> Data {
        let header = Header(
            bestArea: bestArea, bestRound: bestRound, best: best, momentumBytes: momentum?.count ?? 0)
        return try StageCoding.encode(header) + Data("\n".utf8) + (momentum ?? Data())
    }

    /// The state with which a round of the current step starts; an empty one for the first.
    /// - Throws: `StageError.missingInput` where it is cut off; what the view throws.
    init(startingRound round: Int, view: any PlanningView) throws {
        guard let digest = try view.state(ofStep: view.step.name, startingRound: round) else { return }
        let data = try view.content(digest)
        guard let end = data.firstIndex(of: UInt8(ascii: "\n")) else {
            throw StageError(.missingInput, "the state of \(view.step.name) has no header")
        }
        let header = try StageCoding.decode(Header.self, from: data[..<end], of: "the state of \(view.step.name)")
        let (start, bestBytes) = (end + 1, header.bestBytes ?? 0)
        guard bestBytes >= 0, header.momentumBytes >= 0, data.endIndex - start == bestBytes + header.momentumBytes else {
            throw StageError(.missingInput, "the state of \(view.step.name) is cut off")
        }
        let middle = start + bestBytes
        (bestArea, bestRound) = (header.bestArea, header.bestRound)
        best = try bestBytes > 0 ? view.store(Data(data[start..<middle])) : header.best
        momentum = header.momentumBytes > 0 ? Data(data[middle...]) : nil
    }
}
