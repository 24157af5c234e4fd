"""What `endoked evaluate` wrote beside PySODMetrics, MedPy and plain sums on the same files. Exit code 1 above 1e-6.

    compare.py WORK
"""
import csv
import sys
from pathlib import Path

import cv2
import numpy as np
import py_sod_metrics as sod

try:
    from medpy.metric.binary import hd95
except ImportError:
    hd95 = None


class Peer:
    """All measures of PySODMetrics, of one image or of many."""

    def __init__(self):
        kinds = {"with_dynamic": True, "with_adaptive": True}
        self.handlers = {"dice": sod.DICEHandler(**kinds), "iou": sod.IOUHandler(**kinds)}
        self.overlap = sod.FmeasureV2(metric_handlers=self.handlers)
        self.mae, self.s, self.e, self.w = sod.MAE(), sod.Smeasure(), sod.Emeasure(), sod.WeightedFmeasure()

    def step(self, prediction, truth):
        for metric in (self.overlap, self.mae, self.s, self.e, self.w):
            metric.step(pred=prediction, gt=truth)

    def results(self):
        found = {"mae": self.mae.get_results()["mae"], "smeasure": self.s.get_results()["sm"], "wfmeasure": self.w.get_results()["wfm"]}
        curves = {"emeasure": self.e.get_results()["em"]} | {
            name: {"adp": value["adaptive"], "curve": value["dynamic"]} for name, value in self.overlap.get_results().items()
        }
        for name, value in curves.items():
            found |= {f"{name}_adp": value["adp"], f"{name}_mean": np.mean(value["curve"]), f"{name}_max": np.max(value["curve"])}
        return {name: float(value) for name, value in found.items()}


def own(prediction, truth):
    """The reference's Dice, and binary Dice, IoU and HD95."""
    p, g = prediction.astype(float) / 255, truth > 128
    p = (p - p.min()) / (p.max() - p.min() + 1e-8)
    found = {"soft_dice": (2 * (p * g).sum() + 1) / (p.sum() + g.sum() + 1)}
    cut = prediction >= 128
    both, either = (cut & g).sum(), (cut | g).sum()
    found["binary_dice"] = 2 * both / (cut.sum() + g.sum()) if either else 1.0
    found["binary_iou"] = both / either if either else 1.0
    if hd95 is not None and cut.any() and g.any():
        found["hd95"] = hd95(cut, g)
    return found


def main(work):
    images = {(row["dataset"], row["image"]): row for row in csv.DictReader(open(work / "out/images.csv"))}
    sets = {(row["dataset"], row["measure"]): row for row in csv.DictReader(open(work / "out/sets.csv")) if row["subset"] == "all"}
    # Where a prediction was resized, OpenCV's own versions differ by a level here and there: told apart.
    worst, resized, compared, undefined = {}, {}, 0, 0
    for folder, dataset in (("CVC-ClinicDB", "CVC-ClinicDB"), ("NeoPolyp", "BKAI-IGH NeoPolyp")):
        whole, values = Peer(), {}
        for path in sorted((work / "TestDataset" / folder / "masks").glob("*.png")):
            truth = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
            prediction = cv2.imread(str(work / "results" / folder / path.name), cv2.IMREAD_GRAYSCALE)
            kind = worst if prediction.shape == truth.shape else resized
            if prediction.shape != truth.shape:
                prediction = cv2.resize(prediction, truth.shape[::-1], interpolation=cv2.INTER_LINEAR)
            one = Peer()
            one.step(prediction, truth)
            whole.step(prediction, truth)
            theirs = one.results() | own(prediction, truth)
            row = images[dataset, path.stem + ".jpg"]
            for name, value in theirs.items():
                if np.isnan(value):
                    undefined += 1
                    continue
                kind[name] = max(kind.get(name, 0), abs(value - float(row[name])))
                values.setdefault(name, []).append(value)
                compared += 1
        for name, value in whole.results().items():
            kind = resized if folder == "NeoPolyp" else worst
            kind[name + ", set"] = abs(value - float(sets[dataset, name]["value"]))
        for name in ("soft_dice", "binary_dice", "binary_iou", "hd95"):
            if name in values:
                kind = resized if folder == "NeoPolyp" else worst
                kind[name + ", set"] = abs(np.mean(values[name]) - float(sets[dataset, name]["value"]))
    for name, value in sorted(resized.items()):
        print(f"{name:20} greatest difference {value:.1e} where a prediction was resized")
    for name, value in sorted(worst.items()):
        print(f"{name:20} greatest difference {value:.1e}")
    print(f"{len(images)} images, {compared} measures of images; greatest difference {max(worst.values()):.1e}; PySODMetrics undefined: {undefined}")
    sys.exit(int(max(worst.values()) > 1e-6))


main(Path(sys.argv[1]))
