extension BuiltInPipelines {
    /// The whole method on real images and small machines, from pre-trained weights.
    static let practical = """
        // From reports to a segmentation network, on real images and two cores: nobody draws anything. Needs two sets of
        // published weights on the coordinator's host:
        //   endoked weights --fetch efficientnet-lite0
        //   endoked weights --fetch mobile-sam
        // What differs from the method's own settings, and why: images are looked at once by a frozen EfficientNet-Lite0,
        // and teachers and student learn on what it said (minutes instead of days); sixteen bags share a step, since batch
        // normalisation over one small bag turned the attention teacher the wrong way round; AdamW in few long rounds;
        // the student asked at each place of the image instead of a gradient at its mean, at two sizes, boxed around the
        // map's peak; filters that let large boxes and boxes at the border pass, for close-ups; MobileSAM is prompted on
        // images that the student is rather sure of, and masks that do not fit their box or are ragged teach nobody; a U-Net
        // on the same encoder instead of Polyp-PVT; in the second generation it learns from what the first one drew with a
        // firm outline, in wider views. Chosen on validation studies of a small archive (ops/bench/README.md).
        {
          seed: 1,
          stages: [
            { stage: "catalogue" },
            { stage: "labels", extractor: "rules" },
            { stage: "features", encoder: "efficientNetLite0", mirrored: true },
            {
              stage: "mil-train", input: "features",
              rounds: 12, replicas: 4, localEpochs: 3, averaging: "fedavg", select: "last",
              teacherHidden: 128, studentHidden: 128, dropout: 0.5, headDeviation: 0.05, bagsPerStep: 16, studentBatch: 128,
              studentFilter: "none", negativeWeight: 0.5,
              optimiser: "adamw", learningRate: 1e-3, weightDecay: 0.01, schedule: "cosine",
            },
            { stage: "mil-score", input: "features" },
            {
              stage: "cam", map: "local", threshold: 0.2, scales: [1, 1.5], views: 2, foreground: 0.5, component: "peak",
              maximumArea: 0.6, refusesBorder: false,
            },
            {
              stage: "sam", weights: "mobile-sam", splits: ["train", "val"],
              minimumScore: 0.6, minimumAgreement: 0.5, minimumFill: 0.65, shape: "solid",
            },
            {
              stage: "segment-train", from: { masks: "sam" },
              network: "efficient-unet", initialCheckpoint: "efficientnet-lite0", imageSize: 224,
              rounds: 4, replicas: 4, localEpochs: 2, batch: 4, learningRate: 5e-4, schedule: "cosine", warmUp: 0.05,
              augmentation: "reference",
            },
            { stage: "segment", minimumScore: 0.3, shape: "solid", overlays: false },
            {
              stage: "refine", splits: ["train", "val"], minimumStability: 0.5, maximumArea: 0.6, maximumComponents: 1000,
              shape: "solid", overlays: false,
            },
            {
              step: "segment-train-2", stage: "segment-train", from: { masks: "refine" },
              network: "efficient-unet", initialCheckpoint: "efficientnet-lite0", imageSize: 224,
              rounds: 4, replicas: 4, localEpochs: 3, batch: 4, learningRate: 5e-4, schedule: "cosine", warmUp: 0.05,
              augmentation: "wide",
            },
            { step: "segment-2", stage: "segment", from: { network: "segment-train-2" }, views: 2, shape: "solid" },
            { stage: "evaluate", splits: ["val", "test"], threshold: 0.2 },
          ],
        }

        """
}
