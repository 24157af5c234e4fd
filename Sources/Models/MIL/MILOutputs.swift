import NeuralNetwork

/// What one teacher says of a bag.
public struct MILBagOutput: Sendable, Equatable {
    /// That the bag is positive.
    public let bagProbability: Float
    /// One for each image: attention's raw score, or DSMIL's instance probability.
    public let scores: [Float]

    public init(bagProbability: Float, scores: [Float]) {
        self.bagProbability = bagProbability
        self.scores = scores
    }

    init(_ output: AttentionTeacher.Output) {
        self.init(
            bagProbability: MILLosses.positiveProbabilities(output.bagLogits)[0], scores: output.scores.values)
    }

    init(_ output: DSMILTeacher.Output) {
        self.init(
            bagProbability: MILLosses.positiveProbabilities(output.bagLogits)[0],
            scores: MILLosses.positiveProbabilities(output.instanceLogits))
    }
}

/// What a network says of a bag of images.
public struct MILEvaluation: Sendable, Equatable {
    public let attention: MILBagOutput
    public let dsmil: MILBagOutput
    /// The student's probability of class 1, for each image.
    public let student: [Float]

    public init(attention: MILBagOutput, dsmil: MILBagOutput, student: [Float]) {
        self.attention = attention
        self.dsmil = dsmil
        self.student = student
    }
}

/// The teachers' scores of a batch of images, computed when asked for.
public struct TeacherScores {
    let network: MILNetwork
    let features: Tensor
    let seed: UInt64

    /// Raw attention and DSMIL instance probability of each image, in training mode: the teachers' batch
    /// statistics are those of the batch (and teach the running ones), dropout is on.
    public func inTrainingMode() throws -> (attention: [Float], dsmil: [Float]) {
        let pass = ForwardPass(.training, seed: seed)
        let attention = try MILBagOutput(network.attention(features, pass))
        let dsmil = try MILBagOutput(network.dsmil(features, pass))
        return (attention.scores, dsmil.scores)
    }
}
