import Foundation
import Models

extension MILTrainSettings {
    /// Absent fields keep their defaults: what is given is laid over them.
    init(_ settings: StageSettings, stage: String) throws {
        self = try settings.laid(
            over: MILTrainSettings(), optional: ["initialCheckpoint", "gradientNormLimit"], stage: stage)
        try check(stage: stage)
    }

    private func check(stage: String) throws {
        var faults: [String] = []
        func require(_ holds: Bool, _ fault: String) { if !holds { faults.append(fault) } }
        require((1...10_000).contains(rounds), "rounds is 1 to 10000")
        require(replicas >= 1, "replicas is at least 1")
        if let fault = averaging.fault(replicas: replicas) { faults.append(fault) }
        require(
            [studentStartRound, inheritedLabelRounds, filterStartRound, imageCacheBytes].allSatisfy { $0 >= 0 },
            "studentStartRound, inheritedLabelRounds, filterStartRound and imageCacheBytes are not negative")
        require(gradientNormLimit.map { $0 > 0 && $0.isFinite } ?? true, "gradientNormLimit is above 0")
        require(localEpochs >= 1, "localEpochs is at least 1")
        require(
            (32...4096).contains(imageSize) && (32...4096).contains(earlyImageSize),
            "imageSize and earlyImageSize are 32 to 4096")
        require(
            imageSize % encoder.sideMultiple == 0 && (earlyRounds == 0 || earlyImageSize % encoder.sideMultiple == 0),
            "imageSize and earlyImageSize are multiples of \(encoder.sideMultiple) for \(encoder.rawValue)")
        require(
            input == .images || initialCheckpoint == nil,
            "initialCheckpoint is for `input: \"images\"`: of features, the encoder's weights are named in their own step")
        require(earlyRounds >= 0 && earlyRounds < rounds, "earlyRounds is below rounds")
        require(teacherHidden >= 2 && studentHidden >= 1, "hidden sizes are positive")
        require(dropout >= 0 && dropout < 1, "dropout is 0 to below 1")
        require(headDeviation > 0 && headDeviation <= 1, "headDeviation is above 0 up to 1")
        require(mean.count == 3 && deviation.count == 3 && deviation.allSatisfy { $0 > 0 }, "mean and deviation have three numbers")
        require(learningRate > 0 && learningRate.isFinite, "learningRate is above 0")
        require(momentum >= 0 && momentum < 1, "momentum is 0 to below 1")
        require(weightDecay >= 0, "weightDecay is not negative")
        require(
            (0...1).contains(finalRateShare) && (0..<1).contains(warmUp) && (0..<1).contains(localWarmUp),
            "finalRateShare, warmUp and localWarmUp are shares")
        require((1...64).contains(bagsPerStep), "bagsPerStep is 1 to 64")
        require(teacherWeights.count == 2 && teacherWeights.allSatisfy { $0 >= 0 }, "teacherWeights has two numbers, not negative")
        require(
            mergeWeights.count == 2 && mergeWeights.allSatisfy { $0 >= 0 } && abs(mergeWeights[0] + mergeWeights[1] - 1) < 1e-6,
            "mergeWeights has two numbers that add up to 1")
        require((0...1).contains(negativeWeight), "negativeWeight is 0 to 1")
        require(
            teacherStartRound <= max(inheritedLabelRounds, studentStartRound),
            "teacherStartRound is not after the student begins to learn from the teachers")
        require(teacherRateFactor > 0 && teacherRateFactor.isFinite, "teacherRateFactor is above 0")
        require(teacherHeadRounds >= 0, "teacherHeadRounds is not negative")
        require((2...1024).contains(studentBatch), "studentBatch is 2 to 1024")
        require(maxImagesPerBag >= 2, "maxImagesPerBag is at least 2")
        require(keptShare > 0 && keptShare <= 1, "keptShare is a share above 0")
        require(validationStudiesPerShard >= 1, "validationStudiesPerShard is at least 1")
        guard faults.isEmpty else {
            throw StageError(.invalidSettings, "stage \(stage): " + faults.joined(separator: "; "))
        }
    }
}
