extension BuiltInPipelines {
    /// The everyday use of what `practical` trained.
    static let inference = """
        // Label, score, box and mask for every study of an archive, with the networks that `practical` left in its results:
        //   endoked run --pipeline inference --models OUT/models --archive ./another-archive
        // Nothing is trained. `models/` in a file's name stands for the folder that --models names. Boxes and masks are
        // drawn on images that the student gives at least one half, whatever the report says. Where the archive brings
        // truth along, it is evaluated.
        {
          seed: 1,
          stages: [
            { stage: "catalogue" },
            { stage: "labels", extractor: "rules" },
            { stage: "features", encoder: "efficientNetLite0", weights: "models/mil-train.safetensors", mirrored: true },
            { stage: "mil-score", weights: "models/mil-train.safetensors", input: "features" },
            {
              stage: "cam", weights: "models/mil-train.safetensors", studies: "all", threshold: 0.5,
              map: "local", scales: [1, 1.5], views: 2, foreground: 0.5, component: "peak", maximumArea: 0.6, refusesBorder: false,
            },
            {
              stage: "segment", weights: "models/segment-train-2.safetensors", studies: "all", minimumScore: 0.5,
              views: 2, shape: "solid",
            },
            { stage: "evaluate", splits: ["train", "val", "test"] },
          ],
        }

        """
}
