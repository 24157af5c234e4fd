import Imaging
import Stages
import Testing

@Suite struct TrainingPartsTests {
    private func bags(_ count: Int, images: Int = 4) -> [TrainingBag] {
        (0..<count).map { index in
            TrainingBag(study: "S\(100 + index)", label: index % 2, images: (0..<images).map { "\($0).png" })
        }
    }

    @Test func replicasShareBagsByImages() {
        let lists = [BagList(centre: "a", bags: bags(10)), BagList(centre: "b", bags: bags(30)), BagList(centre: "c", bags: bags(2))]
        let replicas = TrainingBags.replicas(lists, total: 6)
        #expect(
            replicas.map(\.key) == [
                "train/a/00000", "train/a/00001", "train/b/00000", "train/b/00001", "train/b/00002", "train/c/00000",
            ])
        for list in lists {
            let dealt = replicas.filter { $0.list.centre == list.centre }.flatMap { $0.list.bags.map(\.study) }
            #expect(dealt.sorted() == list.bags.map(\.study))
        }
        #expect(replicas.allSatisfy { Set($0.list.bags.map(\.label)) == [0, 1] })
        #expect(TrainingBags.replicas(lists, total: 1).count == 3, "each centre has at least one")
        #expect(TrainingBags.replicas([lists[2]], total: 9).count == 1, "a replica has at least two bags")
    }

    @Test func scoresAreSharedBetweenTheEpochsEnds() {
        var range = ScoreRange()
        #expect(range.share(of: 3) == 0.5)
        range.widen([-2, 0])
        range.widen([2])
        #expect(range.share(of: 0) == 0.5 && range.share(of: 1) == 0.75)
        #expect(range.share(of: 9) == 1 - 1e-5 && range.share(of: -9) == 1e-5)
    }

    @Test func confidentNegativesLeavePositiveBagsOnly() {
        var settings = MILTrainSettings()
        settings.keptShare = 0.5
        var generator = SeededGenerator(seed: 1)
        let filtered = StudentFilter(settings: settings).apply(
            bags(2), probabilities: [[], [0.1, 0.9, -1, 0.6]], using: &generator)
        #expect(filtered[0].images.count == 4)
        #expect(filtered[1].images == ["1.png", "3.png"])
        settings.studentFilter = .none
        #expect(StudentFilter(settings: settings).apply(bags(2), probabilities: [[], []], using: &generator) == bags(2))
    }

    @Test func pseudoBagsKeepTheBestAndDrawSomeOthers() {
        var settings = MILTrainSettings()
        settings.studentFilter = .pseudoBags
        var generator = SeededGenerator(seed: 1)
        let bag = bags(2, images: 8)[1]
        let probabilities: [Float] = [0, 0.1, 0.2, 0.99, 0.3, 0.98, 0.4, 0.5]
        let first = StudentFilter(settings: settings).apply([bag], probabilities: [probabilities], using: &generator)[0]
        let second = StudentFilter(settings: settings).apply([bag], probabilities: [probabilities], using: &generator)[0]
        for made in [first, second] {
            #expect(made.label == 1 && made.images.count == 5)
            #expect(made.images.contains("3.png") && made.images.contains("5.png"))
        }
    }

    @Test func learningRateRisesAndFallsAlongTheCosine() {
        var settings = MILTrainSettings()
        settings.learningRate = 1
        #expect(settings.rate(at: 0.7) == 1)
        settings.schedule = .cosine
        settings.warmUp = 0.1
        settings.finalRateShare = 0.1
        #expect(settings.rate(at: 0) == 0 && abs(settings.rate(at: 0.05) - 0.5) < 1e-6)
        #expect(abs(settings.rate(at: 0.5) - 0.55) < 1e-6 && abs(settings.rate(at: 1) - 0.1) < 1e-6)
    }
}
