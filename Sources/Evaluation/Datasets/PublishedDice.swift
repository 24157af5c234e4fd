/// Dice that others have published for a method on public data sets: to stand beside ours, never to be taken for it.
public struct PublishedDice: Sendable, Hashable {
    public var model: String
    /// What it was trained on.
    public var training: String
    /// By set as `DatasetReport` names it; parts of PolypGen as `PolypGen frames` and so on.
    public var dice: [String: Double]

    static let sets = [
        "Kvasir-SEG", "CVC-ClinicDB", "CVC-ColonDB", "CVC-300", "ETIS", "PolypGen frames", "PolypGen sequences", "PolypGen small",
    ]

    private init(_ model: String, _ training: String, _ values: [Double]) {
        self.model = model
        self.training = training
        dice = Dictionary(uniqueKeysWithValues: zip(Self.sets, values))
    }

    /// Where the figures stand (docs/Method.md, section 6).
    public static let sources = """
        Published figures: Wang et al., Nature Biomedical Engineering 10 (2026) 996–1007, and the README of \
        github.com/zwyang6/ENDOKED (69167ce). Rows are not strictly comparable with one another: each network was scored \
        at a size and by a cut of its own, and checkpoints were picked on the Kvasir and ClinicDB test images.
        """

    private static let paper = "Kvasir-SEG, CVC-ClinicDB (paper)"
    private static let tuned = "EndoKED, then Kvasir-SEG, CVC-ClinicDB (repository)"

    public static let all: [PublishedDice] = [
        PublishedDice("U-Net", paper, [0.818, 0.823, 0.504, 0.710, 0.398]),
        PublishedDice("U-Net++", paper, [0.821, 0.794, 0.482, 0.707, 0.401]),
        PublishedDice("C2FNet", paper, [0.886, 0.919, 0.724, 0.874, 0.699]),
        PublishedDice("DCRNet", paper, [0.886, 0.896, 0.704, 0.856, 0.556]),
        PublishedDice("LDNet", paper, [0.887, 0.881, 0.740, 0.869, 0.645]),
        PublishedDice("Polyp-PVT", paper, [0.917, 0.948, 0.808, 0.900, 0.787]),
        PublishedDice("EndoKED-SEG", "reports alone (paper)", [0.908, 0.920, 0.809, 0.893, 0.818]),
        PublishedDice("EndoKED-SEG", "reports alone (repository)", [0.883, 0.815, 0.806, 0.893, 0.819, 0.745, 0.668, 0.495]),
        PublishedDice("U-Net", tuned, [0.817, 0.794, 0.622, 0.849, 0.537, 0.656, 0.453, 0.202]),
        PublishedDice("U-Net++", tuned, [0.833, 0.792, 0.616, 0.814, 0.524, 0.657, 0.454, 0.196]),
        PublishedDice("C2FNet", tuned, [0.913, 0.920, 0.809, 0.886, 0.811, 0.762, 0.703, 0.504]),
        PublishedDice("DCRNet", tuned, [0.888, 0.901, 0.749, 0.870, 0.799, 0.742, 0.684, 0.593]),
        PublishedDice("LDNet", tuned, [0.908, 0.905, 0.798, 0.902, 0.793, 0.747, 0.655, 0.420]),
        PublishedDice("Polyp-PVT", tuned, [0.923, 0.937, 0.808, 0.900, 0.835, 0.777, 0.693, 0.585]),
        PublishedDice("FCBFormer", tuned, [0.914, 0.912, 0.812, 0.897, 0.821, 0.761, 0.646, 0.512]),
        PublishedDice("Polyp-CASCADE", tuned, [0.925, 0.936, 0.817, 0.905, 0.813, 0.769, 0.716, 0.561]),
        PublishedDice("PIDNet (small)", tuned, [0.885, 0.878, 0.733, 0.881, 0.728, 0.719, 0.615, 0.389]),
    ]
}
