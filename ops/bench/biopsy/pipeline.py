"""Prints the job of ops/bench/biopsy/run: argument 1 the fractions, 2 the number of draws, 3 the starts."""
import json
import sys

fractions = sys.argv[1].split(",")
draws = int(sys.argv[2])
starts = sys.argv[3].split(",")

mil = {
    "rounds": 12, "replicas": 4, "localEpochs": 3, "teacherHidden": 128, "studentHidden": 128, "headDeviation": 0.05,
    "bagsPerStep": 16, "studentBatch": 128, "studentFilter": "none", "negativeWeight": 0.5, "optimiser": "adamw",
    "learningRate": 1e-3, "weightDecay": 0.01, "schedule": "cosine",
}
steps = [
    {"stage": "catalogue"},
    {"stage": "labels"},
    {"stage": "features", "encoder": "efficientNetLite0", "mirrored": True},
    {"stage": "mil-train", "input": "features", **mil},
    # Which images of a study carry its pathology, for all starts alike.
    {"stage": "mil-score", "input": "features"},
]
if "mil" in starts:
    steps.append(
        # The encoder itself learns from the reports, from ImageNet on.
        {
            "step": "mil-tuned", "stage": "mil-train", "encoder": "efficientNetLite0", "initialCheckpoint": "efficientnet-lite0",
            "imageSize": 160, "mean": [127 / 255] * 3, "deviation": [128 / 255] * 3, **mil, "rounds": 3, "localEpochs": 1,
            "bagsPerStep": 4, "studentBatch": 32, "learningRate": 1e-4, "inheritedLabelRounds": 1, "teacherStartRound": 0,
        })
common = {"imageSize": 160, "rounds": 3, "localEpochs": 4, "replicas": 2, "learningRate": 3e-4, "batch": 16}
start_settings = {
    "mil": {"start": "mil", "from": {"network": "mil-tuned", "scores": "mil-score"}},
    "imagenet": {
        "start": "file", "encoder": "efficientNetLite0", "initialCheckpoint": "efficientnet-lite0", "from": {"scores": "mil-score"},
    },
    "random": {
        "start": "random", "encoder": "efficientNetLite0", "freezesBatchNorm": False, "from": {"scores": "mil-score"},
    },
}
named = []
for start in starts:
    for fraction in fractions:
        for draw in range(draws):
            name = f"{start}-{round(float(fraction) * 100)}-{draw}"
            steps.append({
                "step": f"train-{name}", "stage": "biopsy-train", "fraction": float(fraction), "draw": draw, **common,
                **start_settings[start],
            })
            steps.append({
                "step": name, "stage": "biopsy", "splits": ["val", "test"],
                "from": {"network": f"train-{name}", "scores": "mil-score"},
            })
            named.append(name)
steps.append({"stage": "evaluate", "splits": ["val", "test"], "from": {"predictions": named}})
json.dump({"seed": 1, "stages": steps}, sys.stdout, indent=1)
