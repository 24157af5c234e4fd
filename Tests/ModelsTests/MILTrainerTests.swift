import Models
import NeuralNetwork
import Testing

@Suite struct MILTrainerTests {
    static let configuration = MILConfiguration(teacherHidden: 32, studentHidden: 48, dropout: 0.2)

    /// A bag of noise; positive bags have one image with a bright square.
    static func bag(_ index: Int, count: Int = 4, size: Int = 32) throws -> (
        images: Tensor, label: Int, targets: [Float]
    ) {
        let label = index % 2
        var random = CounterRandom(seed: UInt64(index))
        let images = try Tensor.filled([count, size, size, 3]) { memory in
            for place in memory.indices { memory[place] = Float(random.uniform() - 0.5) }
            guard label == 1 else { return }
            for y in 8..<24 {
                for x in 8..<24 { for c in 0..<3 { memory[(y * size + x) * 3 + c] += 3 } }
            }
        }
        return (images, label, (0..<count).map { $0 == 0 ? Float(label) : 0 })
    }

    private func trained(
        steps: Int, _ settings: MILTrainingSettings, seed: UInt64 = 3, count: Int = 4
    ) throws -> ParameterSet {
        let network = try MILNetwork(Self.configuration, seed: 1)
        let trainer = try MILTrainer(network, settings, seed: seed)
        for step in 0..<steps {
            let bag = try Self.bag(step, count: count)
            _ = try trainer.teacherStep(bag: bag.images, label: bag.label)
            _ = try trainer.studentStep(images: bag.images, targets: bag.targets)
        }
        return try network.parameters()
    }

    /// Heads alone, and then everything.
    @Test func teachesTheEncoderOnlyWhereSoSaid() throws {
        let network = try MILNetwork(Self.configuration, seed: 1)
        let trainer = try MILTrainer(network, MILTrainingSettings(optimiser: .adamW(rate: 1e-3)), seed: 2)
        let bags = try (0..<2).map { index in
            let bag = try Self.bag(index)
            return (images: bag.images, label: bag.label)
        }
        func moved(_ teachesEncoder: Bool) throws -> Set<String> {
            let before = try network.parameters()
            _ = try trainer.teacherStep(bags: bags, teachesEncoder: teachesEncoder)
            let changed = zip(before.entries, try network.parameters().entries).filter { $0.values != $1.values }
            return Set(
                changed.map(\.0.name).filter { !$0.contains("running_") }.map { String($0.prefix { $0 != "." }) })
        }
        #expect(try moved(false) == ["attention", "dsmil"])
        #expect(try moved(true) == ["attention", "dsmil", "encoder"])
    }

    /// The teachers' own layers at a multiple of the rate, everything else at the rate itself.
    @Test func teachersMayLearnFaster() throws {
        func moves(_ factor: Float) throws -> [(name: String, by: [Float])] {
            let network = try MILNetwork(Self.configuration, seed: 1)
            let before = try network.parameters()
            let settings = MILTrainingSettings(optimiser: .sgd(rate: 0.5), teacherRateFactor: factor)
            let bag = try Self.bag(1)
            _ = try MILTrainer(network, settings, seed: 2).teacherStep(bag: bag.images, label: bag.label)
            return zip(before.entries, try network.parameters().entries).map { old, new in
                (old.name, zip(new.values, old.values).map { $0 - $1 })
            }
        }
        for (slow, fast) in zip(try moves(1), try moves(4)) where !slow.name.contains("running_") {
            let factor: Float = slow.name.hasPrefix("attention.") || slow.name.hasPrefix("dsmil.") ? 4 : 1
            let largest = fast.by.reduce(0) { max($0, abs($1)) }
            #expect(
                zip(slow.by, fast.by).allSatisfy { abs($0 * factor - $1) <= 1e-3 * largest + 1e-6 }, "\(slow.name)")
        }
    }

    @Test func learnsBagsAndWhatAPositiveImageIs() throws {
        var configuration = Self.configuration
        configuration.dropout = 0
        let network = try MILNetwork(configuration, seed: 1)
        // Heads this narrow, started from N(0, 0.01), would need hundreds of steps to wake up.
        GoldenFormula.fill(network.attention)
        GoldenFormula.fill(network.dsmil)
        GoldenFormula.fill(network.student)
        let settings = MILTrainingSettings(
            optimiser: .adamW(rate: 3e-4), negativeWeight: 0.5, freezesEncoderBatchNorm: true)
        let trainer = try MILTrainer(network, settings, seed: 2)
        var losses: [Float] = []
        for step in 0..<32 {
            let bag = try Self.bag(step % 4)
            losses.append(try trainer.teacherStep(bag: bag.images, label: bag.label).loss)
            _ = try trainer.studentStep(images: bag.images, targets: bag.targets)
        }
        let (early, late) = (losses.prefix(4).reduce(0, +), losses.suffix(4).reduce(0, +))
        // DSMIL alone cannot go below 0.157 a bag: it takes its softmax twice.
        #expect(late < 0.65 * early)
        // The student, on bags that nobody trained on.
        let positive = try trainer.evaluate(images: Self.bag(101).images)
        let negative = try trainer.evaluate(images: Self.bag(100).images)
        #expect(positive.student[0] > positive.student[1...].max() ?? 1)
        #expect(positive.student[0] > negative.student.max() ?? 1)
    }

    /// A small step against the gradient lowers the loss by rate · ‖gradient‖², through encoder, chunks and heads.
    @Test(arguments: [8, 2]) func stepsFollowTheGradient(chunk: Int) throws {
        var configuration = Self.configuration
        configuration.dropout = 0
        let network = try MILNetwork(configuration, seed: 1)
        GoldenFormula.fill(network)
        let rate: Float = 1e-5
        let settings = MILTrainingSettings(
            optimiser: .sgd(rate: rate), encoderChunk: chunk, freezesEncoderBatchNorm: true)
        let trainer = try MILTrainer(network, settings, seed: 2)
        let bag = try Self.bag(1, count: 5)
        func expectDescent(_ step: () throws -> Float) throws {
            let before = network.learnt.map(\.values)
            let first = try step()
            var moved = 0.0
            for (a, b) in zip(network.learnt, before) {
                for (x, y) in zip(a.values, b) { moved += Double(x - y) * Double(x - y) }
            }
            let ratio = Double(first - (try step())) / (moved / Double(rate))
            #expect(abs(ratio - 1) < 0.1, "loss fell by \(ratio) of what the gradient says")
        }
        try expectDescent { try trainer.teacherStep(bag: bag.images, label: 1).loss }
        try expectDescent { try trainer.studentStep(images: bag.images, targets: [1, 0, 0.5, 0, 0.25]).loss }
    }

    /// In bf16 a step goes about where it goes in fp32. Not closer than this: rounding in 17 layers switches some
    /// ReLUs, and each switch changes the gradient behind it by as much as it has.
    @Test(.enabled(if: EngineSetup.hasBFloat16, "the processor has no bf16"))
    func bf16StepsGoTheSameWay() throws {
        func moved(_ precision: Precision) throws -> [Float] {
            var configuration = Self.configuration
            configuration.dropout = 0
            let network = try MILNetwork(configuration, seed: 1)
            GoldenFormula.fill(network)
            let before = network.learnt.map(\.values)
            let settings = MILTrainingSettings(optimiser: .sgd(rate: 1e-2), precision: precision)
            let trainer = try MILTrainer(network, settings, seed: 2)
            _ = try trainer.studentStep(images: Self.bag(1, size: 64).images, targets: [1, 0, 0.5, 0])
            return zip(network.learnt, before).flatMap { zip($0.0.values, $0.1).map { $0 - $1 } }
        }
        let (full, half) = (try moved(.float32), try moved(.bfloat16))
        func dot(_ a: [Float], _ b: [Float]) -> Double { zip(a, b).reduce(0) { $0 + Double($1.0) * Double($1.1) } }
        #expect(full != half)
        #expect(dot(full, half) / (dot(full, full) * dot(half, half)).squareRoot() > 0.85)
    }

    @Test func sameSeedSameBits() throws {
        let settings = MILTrainingSettings(optimiser: .sgd(rate: 1e-2, momentum: 0.9))
        let first = try trained(steps: 2, settings)
        #expect(try trained(steps: 2, settings) == first)
        #expect(try trained(steps: 2, settings, seed: 4) != first, "dropout follows the seed")
    }

    /// Activations computed twice give what activations kept give, running statistics included.
    @Test func theMemoryBudgetChangesNothing() throws {
        var settings = MILTrainingSettings(optimiser: .sgd(rate: 1e-2), encoderChunk: 3)
        let kept = try trained(steps: 1, settings, count: 5)
        settings.activationBudget = 0
        #expect(try trained(steps: 1, settings, count: 5) == kept)
        settings.encoderChunk = 5
        #expect(try trained(steps: 1, settings, count: 5) != kept, "chunks have statistics of their own")
    }

    /// With frozen batch normalisation the encoder sees each image alone: chunks change rounding only.
    @Test func frozenStatisticsMakeChunksEqual() throws {
        var settings = MILTrainingSettings(
            optimiser: .sgd(rate: 1e-2), encoderChunk: 2, freezesEncoderBatchNorm: true)
        let small = try trained(steps: 1, settings, count: 5)
        settings.encoderChunk = 5
        let large = try trained(steps: 1, settings, count: 5)
        #expect(small["encoder.bn1.running_mean"]?.values.allSatisfy { $0 == 0 } == true)
        for (a, b) in zip(small.entries, large.entries) {
            let apart = zip(a.values, b.values).map { abs($0 - $1) }.max() ?? 0
            #expect(apart < 1e-5, "\(a.name)")
        }
    }

    @Test func aStepTouchesOnlyItsParts() throws {
        let network = try MILNetwork(Self.configuration, seed: 1)
        let trainer = try MILTrainer(network, MILTrainingSettings(optimiser: .sgd(rate: 0.1)), seed: 2)
        let before = try network.parameters()
        let bag = try Self.bag(1)
        let step = try trainer.teacherStep(bag: bag.images, label: 1)
        #expect(step.attention.scores.count == 4 && step.dsmil.scores.count == 4)
        let middle = try network.parameters()
        #expect(changed(before, middle) == ["attention", "dsmil", "encoder"])
        let student = try trainer.studentStep(images: bag.images) { scores in
            let seen = try scores.inTrainingMode()
            #expect(seen.attention.count == 4 && seen.dsmil.count == 4)
            return seen.dsmil
        }
        #expect(student.probabilities.count == 4)
        // The teachers' running statistics follow, as in the reference; nothing of theirs is learnt.
        #expect(changed(middle, try network.parameters(), passingOver: "running_") == ["encoder", "student"])
    }

    private func changed(_ a: ParameterSet, _ b: ParameterSet, passingOver part: String = "\u{0}") -> Set<String> {
        Set(
            zip(a.entries, b.entries).filter { $0 != $1 && !$0.name.contains(part) }.compactMap {
                $0.0.name.split(separator: ".").first.map(String.init)
            })
    }

    @Test func whatIsNoNumberIsNotLearnt() throws {
        let network = try MILNetwork(Self.configuration, seed: 1)
        let trainer = try MILTrainer(network, MILTrainingSettings(), seed: 2)
        let before = try network.parameters()
        let images = try Tensor([Float](repeating: .nan, count: 2 * 32 * 32 * 3), shape: [2, 32, 32, 3])
        let error = #expect(throws: EngineError.self) { try trainer.teacherStep(bag: images, label: 1) }
        #expect(error?.code == .notFinite)
        #expect(try network.parameters() == before)
    }

    @Test func refusesSettingsAndBagsOutOfRange() throws {
        let network = try MILNetwork(Self.configuration, seed: 1)
        for settings in [
            MILTrainingSettings(optimiser: .sgd(rate: .nan)), MILTrainingSettings(teacherWeights: [1]),
            MILTrainingSettings(negativeWeight: 2), MILTrainingSettings(encoderChunk: 0),
        ] {
            let error = #expect(throws: EngineError.self) { try MILTrainer(network, settings, seed: 1) }
            #expect(error?.code == .invalidOption)
        }
        let trainer = try MILTrainer(network, MILTrainingSettings(), seed: 1)
        let bag = try Self.bag(0)
        #expect(throws: EngineError.self) { try trainer.teacherStep(bag: bag.images, label: 2) }
        #expect(throws: EngineError.self) { try trainer.teacherStep(bag: bag.images.rows(0..<1), label: 1) }
        #expect(throws: EngineError.self) { try MILNetwork(MILConfiguration(dropout: 1), seed: 1) }
    }

    @Test func startsAsTheMethodSays() throws {
        let network = try MILNetwork(MILConfiguration(), seed: 7)
        let set = try network.parameters()
        let top = try #require(set["student.classifier.1.weight"])
        #expect(top.shape == [4096, 512])
        let variance = top.values.reduce(0) { $0 + Double($1 * $1) } / Double(top.values.count)
        #expect(abs(variance.squareRoot() - 0.01) < 1e-4)
        #expect(set["attention.attention.2.bias"]?.values == [0])
        #expect(set["dsmil.fcc_dsmil.weight"]?.shape == [2, 2, 1024])
        #expect(try MILNetwork(MILConfiguration(), seed: 7).parameters() == set)
        let encoder = try ResNet(.resNet18, classes: 10, seed: 9).parameters()
        try network.loadEncoder(encoder)
        #expect(
            try network.parameters()["encoder.layer3.0.conv1.weight"]?.values
                == encoder["layer3.0.conv1.weight"]?.values)
    }
}
