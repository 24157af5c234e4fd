import Models
import NeuralNetwork

extension SegmentTrainSettings {
    /// The settings that a network's reference has, as far as they are not those written here.
    package init(of family: some SegmentationFamily) {
        let recipe = family.recipe
        size = family.usualSize.rawValue
        imageSize = recipe.imageSize
        dropPath = recipe.dropPath
        augmentation = recipe.augmentation
        batch = recipe.batch
        learningRate = recipe.learningRate
        weightDecay = recipe.weightDecay
        gradientLimit = recipe.gradientLimit
        scales = recipe.scales
    }

    /// The defaults of the network that is asked for.
    /// - Throws: `StageError.invalidSettings` for one that there is not.
    static func defaults(_ settings: StageSettings, stage: String) throws -> SegmentTrainSettings {
        struct Choice: Decodable { var network: SegmentationName? }
        let chosen = try settings.decoded(as: Choice.self, stage: stage).network ?? .usual
        return SegmentTrainSettings(of: chosen.family)
    }

    var family: any SegmentationFamily { (network ?? .usual).family }

    /// Throws `EngineError.invalidOption` for a size that the network has not.
    var kind: SegmentationKind { get throws { try SegmentationKind(family, size: size) } }

    /// What is wrong with size, input and drop path for this network.
    var networkFaults: [String] {
        let (family, multiple) = (family, family.sideMultiple)
        var faults: [String] = []
        if !family.sizes.contains(size) {
            faults.append("\(family.name) has no size \"\(size)\", only \(family.sizes.joined(separator: ", "))")
        }
        if !(32...2048).contains(imageSize) || imageSize % multiple != 0 {
            faults.append("imageSize is \(multiple == 1 ? "32 to 2048" : "a multiple of \(multiple) up to 2048")")
        }
        if !(dropPath >= 0 && dropPath < 1) { faults.append("dropPath is 0 to below 1") }
        if !family.dropsPaths, dropPath != 0 { faults.append("\(family.name) has no branches to leave out: no dropPath") }
        return faults
    }
}
