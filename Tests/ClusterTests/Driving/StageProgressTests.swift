import Cluster
import Testing

@Suite struct StageProgressTests {
    static func step(
        rounds: Int = 3, finished: Int = 0, isFinal: Bool = false, isOpened: Bool = false, open: Int = 0
    ) -> StageProgress.Step {
        StageProgress(
            roundCount: rounds, finishedRounds: finished, isFinal: isFinal, isOpened: isOpened, openShards: open
        ).step
    }

    @Test func aRoundIsPlannedWaitedForAndReduced() {
        #expect(Self.step() == .plan(round: 0))
        #expect(Self.step(isOpened: true, open: 4) == .wait(round: 0))
        #expect(Self.step(isOpened: true, open: 0) == .reduce(round: 0))
        #expect(Self.step(finished: 1) == .plan(round: 1))
    }

    @Test func shardsWithoutAnOpenRoundArePlannedAgain() {
        // The crash came between enqueuing and opening: the round is planned again, which finds the same keys.
        #expect(Self.step(isOpened: false, open: 7) == .plan(round: 0))
    }

    @Test func theStageEndsAfterItsLastRoundOrWhenARoundWasFinal() {
        #expect(Self.step(finished: 3) == .end)
        #expect(Self.step(finished: 1, isFinal: true) == .end)
        #expect(Self.step(rounds: 0) == .end)
    }

    @Test func aCrashAtAnyPointLeadsToTheSameEnd() {
        // The facts that the ledger can hold, in the order in which they come about; a crash repeats from any of them.
        var seen: [StageProgress.Step] = []
        var (finished, isOpened, open) = (0, false, 0)
        while true {
            let step = Self.step(rounds: 2, finished: finished, isOpened: isOpened, open: open)
            #expect(step == Self.step(rounds: 2, finished: finished, isOpened: isOpened, open: open))
            seen.append(step)
            switch step {
            case .plan: (isOpened, open) = (true, 2)
            case .wait: open -= 1
            case .reduce: (finished, isOpened) = (finished + 1, false)
            case .end:
                #expect(seen.count == 2 * 4 + 1)
                return
            }
        }
    }
}
