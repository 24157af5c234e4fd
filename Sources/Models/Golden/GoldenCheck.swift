import NeuralNetwork

/// Compares a network with reference outputs, tensor by tensor: `endoked selftest` and the tests of this room.
///
///     let tensors: [String: GoldenCheck.Reference] = …   // a file of golden/, read by the caller
///     let lines = try GoldenCheck(.float32).compare("resnet18", with: tensors)
public struct GoldenCheck: Sendable {
    /// A tensor of a golden file.
    public struct Reference: Sendable {
        public var shape: [Int]
        public var values: [Float]

        public init(shape: [Int], values: [Float]) {
            self.shape = shape
            self.values = values
        }
    }

    /// How one tensor compares.
    public struct Comparison: Sendable {
        public let tensor: String
        /// ‖ours − theirs‖ / ‖theirs‖.
        public let relativeError: Double
        public let tolerance: Double
        public var passed: Bool { relativeError <= tolerance }
    }

    /// What the networks compute with. Training is always compared in fp32.
    public let precision: Precision
    /// Appended to the names of inputs: outputs then must not agree, which shows that the comparison can fail.
    public let inputSuffix: String
    /// Real parameters, for the golden files that were made with them.
    public let weights: ParameterSet?

    public init(_ precision: Precision = .float32, inputSuffix: String = "", weights: ParameterSet? = nil) {
        self.precision = precision
        self.inputSuffix = inputSuffix
        self.weights = weights
    }

    /// The golden files that this room can compare, by their names without extension.
    public static let networks =
        [
            "resnet18", "efficientnet_lite0", "efficientnet_lite0_imagenet", "mil_heads", "toco", "mobile_sam", "sam_vit_b",
            "sam_vit_l", "sam_vit_h",
        ]
        + SegmentationFamilies.all.compactMap(\.goldenFile)

    /// Every tensor of `reference` that the precision covers, in the order of names.
    ///
    /// Throws `EngineError.invalidOption` for a network not in `networks`, or a tensor that the network does not
    /// make: nothing is passed over in silence.
    public func compare(_ network: String, with reference: [String: Reference]) throws -> [Comparison] {
        let ours: [String: [Float]]
        switch network {
        case "resnet18": ours = try resNet18(wanted: Set(reference.keys))
        case "efficientnet_lite0": ours = try efficientNetLite0(wanted: Set(reference.keys))
        case "efficientnet_lite0_imagenet": ours = try efficientNetLite0OfImageNet()
        case "mil_heads": ours = try milHeads()
        case "toco": ours = try toCo(wanted: Set(reference.keys))
        case "mobile_sam": ours = try segmentAnything(network, .mobile)
        case "sam_vit_b": ours = try segmentAnything(network, .vitB)
        case "sam_vit_l": ours = try segmentAnything(network, .vitL)
        case "sam_vit_h": ours = try segmentAnything(network, .vitH)
        default:
            guard let family = SegmentationFamilies.all.first(where: { $0.goldenFile == network }) else {
                throw EngineError(
                    .invalidOption, "no golden comparison for \(network); there is \(Self.networks.joined(separator: ", "))")
            }
            ours = try family.golden(self, wanted: Set(reference.keys))
        }
        return try reference.keys.sorted().compactMap { name in
            guard let theirs = reference[name] else { return nil }
            if precision == .bfloat16, name.contains("train.") || name.contains("frozen.") { return nil }
            guard let mine = ours[name], mine.count == theirs.values.count else {
                throw EngineError(
                    .invalidOption,
                    "golden \(network): \(name) \(theirs.shape) has no counterpart (\(ours[name]?.count ?? 0) values)")
            }
            return Comparison(
                tensor: name, relativeError: Self.relativeError(mine, theirs.values, of: name),
                tolerance: precision == .bfloat16 ? 2e-2 : Self.tolerance(of: name))
        }
    }

    /// In fp32, as golden/README.md has it.
    private static func tolerance(of name: String) -> Double {
        // At the mercy of ReLU6's kinks in 16 blocks: single precision itself moves it so far.
        if name == "train.grad._conv_stem.weight" { return 2e-2 }
        return name.contains("grad") ? 1e-3 : 1e-4
    }

    /// The same with a file's tensors as a checkpoint reader gives them.
    public func compare(_ network: String, with tensors: ParameterSet) throws -> [Comparison] {
        let pairs = tensors.entries.map { ($0.name, Reference(shape: $0.shape, values: $0.values)) }
        return try compare(network, with: Dictionary(uniqueKeysWithValues: pairs))
    }

    /// ‖a − b‖ / ‖b‖. Gradients that are zero but for rounding (of a bias before a batch normalisation, of a shift
    /// before a softmax) have no relative error: below 1e-6 they are compared in absolute terms.
    static func relativeError(_ a: [Float], _ b: [Float], of name: String) -> Double {
        var (difference, size) = (0.0, 0.0)
        for (x, y) in zip(a, b) {
            difference += (Double(x) - Double(y)) * (Double(x) - Double(y))
            size += Double(y) * Double(y)
        }
        guard difference.isFinite else { return .infinity }
        let floor = name.contains("grad_norm") && size < 1e-12 ? 1e-2 : 1e-30
        return difference.squareRoot() / max(size.squareRoot(), floor)
    }

    /// Every s-th number of N,C,H,W order, k of them, from a tensor in N,H,W,C order.
    static func sub(_ x: [Float], shape: [Int], k: Int = 4096) -> [Float] {
        let stride = max(1, x.count / k)
        let (channels, pixels) = (shape[3], shape[1] * shape[2])
        return (0..<min(k, x.count)).map { index in
            let flat = index * stride
            let (pixel, channel, image) = (flat % pixels, flat / pixels % channels, flat / pixels / channels)
            return x[(image * pixels + pixel) * channels + channel]
        }
    }
}
