/// Pipelines that come with the program, as JSON5 that people can print, edit and submit.
public enum BuiltInPipelines {
    /// The one that is taken when none is named.
    public static let defaultName = "practical"

    /// Names in the order in which `--help` lists them.
    public static let names = ["practical", "inference", "compact", "method", "quickstart", "smoke", "toco", "segment", "whole"]

    /// With what a setting begins that names a file of a former run's `models/`, wherever that lies.
    public static let modelsPrefix = "models/"

    /// JSON5 text; nil for a name that is not in `names`.
    public static func text(named name: String) -> String? {
        switch name {
        case "practical": practical
        case "inference": inference
        case "compact": compact
        case "method": method
        case "quickstart": quickstart
        case "smoke": smoke
        case "toco": toco
        case "segment": segment
        case "whole": whole
        default: nil
        }
    }

    /// The method at the paper's sizes: for clusters.
    private static let method = """
        // EndoKED at the paper's sizes (docs/Method.md, section 2): 512 pixels, SGD 1e-3. For clusters, and with an
        // ImageNet checkpoint of ResNet-18 as `initialCheckpoint`.
        {
          seed: 1,
          stages: [
            { stage: "catalogue" },
            { stage: "labels", extractor: "rules" },
            {
              stage: "mil-train",
              imageSize: 512, rounds: 40, replicas: 8, localEpochs: 1, averaging: "fedavg", select: "best",
              optimiser: "sgd", learningRate: 1e-3,
              studentFilter: "dropConfidentNegatives", keptShare: 0.95, filterStartRound: 4, negativeWeight: 0.1,
            },
            { stage: "mil-score", precision: "fp32" },
            { stage: "cam", threshold: 0.8, foreground: 0.65 },
            { stage: "evaluate", splits: ["test"] },
          ],
        }

        """

    /// A small archive of real images on two cores, from random weights, within half an hour.
    private static let compact = """
        // A small archive on two cores in less than half an hour, from random weights. What differs from the method's own
        // settings, and why: images of 96 pixels and smaller heads (two cores); AdamW instead of SGD, with few long rounds,
        // since it starts afresh in each; the student begins with labels inherited from the bag, and the teachers join
        // once the encoder has seen something: from random weights neither learns much from bags alone.
        {
          seed: 1,
          stages: [
            { stage: "catalogue" },
            { stage: "labels", extractor: "rules" },
            {
              stage: "mil-train",
              imageSize: 96, precision: "fp32", rounds: 5, replicas: 4, localEpochs: 3, averaging: "fedavg", select: "best",
              inheritedLabelRounds: 4, teacherStartRound: 3, studentFilter: "dropConfidentNegatives", filterStartRound: 4,
              teacherHidden: 256, studentHidden: 256, dropout: 0.1, bagsPerStep: 4, studentBatch: 16, negativeWeight: 0.5,
              optimiser: "adamw", learningRate: 3e-4, weightDecay: 0.01, schedule: "cosine", finalRateShare: 0.1, warmUp: 0.05,
              augmentation: "flips",
            },
            { stage: "mil-score", precision: "fp32" },
            { stage: "cam", threshold: 0.5, imageSize: 192, foreground: 0.65 },
            { stage: "evaluate", splits: ["test"] },
          ],
        }

        """

    /// Reports to labels, MIL and Grad-CAM on the synthetic archive.
    private static let smallMIL = """
            { stage: "catalogue" },
            { stage: "labels", extractor: "rules" },
            {
              stage: "mil-train",
              imageSize: 96, precision: "bf16", rounds: 6, replicas: 4, localEpochs: 4, averaging: "fedavg", select: "last",
              inheritedLabelRounds: 5, teacherStartRound: 3, teacherHeadRounds: 1, teacherRateFactor: 10, mergeWeights: [0, 1],
              studentFilter: "none",
              teacherHidden: 256, studentHidden: 256, dropout: 0.1, bagsPerStep: 4, studentBatch: 16, negativeWeight: 0.5,
              optimiser: "adamw", learningRate: 3e-4, weightDecay: 0.01, schedule: "cosine", finalRateShare: 0.1, warmUp: 0.05,
              augmentation: "flips",
            },
            { stage: "mil-score", precision: "fp32" },
            { stage: "cam", threshold: 0.5, imageSize: 192, foreground: 0.65 },
        """

    /// ToCo on what `smallMIL` found.
    private static let smallToCo = """
            {
              stage: "toco-train",
              network: "compactStem", auxiliaryLayer: -4, pooling: "topPatches", pooledShare: 0.1, lowestWeight: 1,
              imageSize: 112, precision: "bf16",
              rounds: 6, replicas: 4, localEpochs: 16, batch: 8,
              learningRate: 3e-4, headFactor: 2, warmUp: 0.05, positiveThreshold: 0.5, negativeShare: 0.5,
              weights: { classification: 1, auxiliary: 1, patchContrast: 0, classContrast: 0, segmentation: 0, dice: 0 },
              mapScales: [1, 0.75, 1.25], augmentation: "flips",
            },
            { stage: "toco-cam", map: "auxiliary", threshold: 0.5, foreground: 0.45, scales: [1, 0.75, 1.25, 1.5] },
        """

    /// Polyp-PVT from masks of the source `labels`, at the size of the synthetic archive, and what it then sees.
    private static func smallPolypPVT(labels: String) -> String {
        """
            {
              stage: "segment-train",
              size: "b0", imageSize: 128, precision: "bf16", labels: "\(labels)", rounds: 4, replicas: 4, localEpochs: 16, batch: 8,
              scales: [1], learningRate: 5e-4, schedule: "cosine", finalRateShare: 0.05, warmUp: 0.05, dropPath: 0,
              augmentation: "reference",
            },
            { stage: "segment", splits: ["test"] },
        """
    }

    /// The synthetic archive of `ops/quickstart`.
    private static let quickstart = """
        // The synthetic archive of ops/quickstart, in some minutes on two cores whose processor multiplies bf16. What
        // differs from the method's own settings, and why: images of 96 pixels and smaller heads (two cores); AdamW with
        // few long rounds, since it starts afresh in each; the student begins with labels inherited from the bag, and the
        // teachers join once the encoder has seen something: their heads first and faster, since heads that start at random
        // turned the encoder round with some seeds. Images are labelled by DSMIL alone: on bags of six images the attention
        // teacher's order of images was wrong more often than right.
        {
          seed: 7,
          stages: [
        \(smallMIL)
            { stage: "evaluate", splits: ["test"] },
          ],
        }

        """

    /// ToCo after MIL on the synthetic archive.
    private static let toco = """
        // The job of ops/quickstart, and then ToCo, a small vision transformer from random weights, on the images that MIL
        // labelled: its maps and boxes stand beside those of the MIL encoder in the evaluation. For the synthetic archive.
        // What differs from the method's own ToCo, and why: convolutions before the patches, and an image's score by its
        // highest patches, since from random weights the method's own lit up single patches and its boxes hit nothing;
        // no contrast and no decoder: the maps of two tries with them were worse.
        // The map is the auxiliary one of patches before attention: behind it, any patch can tell what the image shows, and
        // with some seeds everything lit up but the polyp. At a learning rate of 1e-3 one run learnt and another stood
        // still (ops/bench/README.md).
        {
          seed: 7,
          stages: [
        \(smallMIL)
        \(smallToCo)
            { stage: "evaluate", splits: ["test"] },
          ],
        }

        """

    /// Polyp-PVT, supervised, on the synthetic archive.
    private static let segment = """
        // Polyp-PVT with the smallest backbone at 128 pixels, supervised by the masks that an archive brings along, from
        // random weights: for the synthetic archive, and to see what segmentation reaches with drawn masks.
        {
          seed: 7,
          stages: [
            { stage: "catalogue" },
            { stage: "labels", extractor: "rules" },
        \(smallPolypPVT(labels: "truth"))
            { stage: "evaluate", splits: ["test"] },
          ],
        }

        """

    /// From reports to a segmentation network, no mask drawn by anybody.
    private static let whole = """
        // From reports to a segmentation network, on the synthetic archive and from random weights: the pipeline `toco`, and
        // then Polyp-PVT learns from the masks of ToCo's maps whose boxes the filters kept. Nobody drew anything; what the
        // archive brings along is read by `evaluate` alone. With a file of Segment Anything, `sam` stands between the two
        // (docs/Pipelines.md).
        {
          seed: 7,
          stages: [
        \(smallMIL)
        \(smallToCo)
        \(smallPolypPVT(labels: "toco-cam-mask"))
            { stage: "evaluate", splits: ["test"] },
          ],
        }

        """

    /// Everything once, as small as it goes: for trying an installation and for tests.
    private static let smoke = """
        // Every stage once, as small as it goes: to try an installation, not to learn anything.
        {
          seed: 3,
          stages: [
            { stage: "catalogue" },
            { stage: "labels", extractor: "rules", studiesPerShard: 8 },
            {
              stage: "mil-train",
              imageSize: 64, rounds: 3, replicas: 6, localEpochs: 1, select: "last",
              teacherHidden: 64, studentHidden: 64, dropout: 0.1,
              optimiser: "adamw", learningRate: 1e-3, bagsPerStep: 4, studentBatch: 32,
            },
            { stage: "mil-score", studiesPerShard: 4 },
            { stage: "cam", threshold: 0, studies: "all", splits: ["test"], imagesPerShard: 16 },
            { stage: "evaluate", splits: ["test"] },
          ],
        }

        """
}
