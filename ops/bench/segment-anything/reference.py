"""Runs the reference MobileSAM on the images that a job's stage `sam` masked, and compares the masks.

usage: reference.py CODE WEIGHTS ARCHIVE RESULTS
  CODE     the folder that holds the reference's package `mobile_sam`
  WEIGHTS  mobile_sam.pt
  ARCHIVE  the archive, with its truth
  RESULTS  of `endoked run`
"""

import csv
import statistics
import sys
import types
from pathlib import Path

import numpy as np
import torch
from PIL import Image


def stand_in(name, **members):
    """The reference imports a few helpers of packages that it does not need for inference, or that Pillow has."""
    module = types.ModuleType(name)
    for key, value in members.items():
        setattr(module, key, value)
    sys.modules[name] = module


class DropPath(torch.nn.Module):
    """Does nothing at inference."""

    def __init__(self, drop_prob=0.0):
        super().__init__()
        self.drop_prob = drop_prob

    def forward(self, x):
        return x


def stand_ins():
    pair = lambda x: x if isinstance(x, tuple) else (x, x)
    for name in ("timm", "timm.models", "torchvision", "torchvision.transforms", "torchvision.ops"):
        stand_in(name)
    stand_in("timm.models.layers", DropPath=DropPath, to_2tuple=pair, trunc_normal_=torch.nn.init.trunc_normal_)
    stand_in("timm.models.registry", register_model=lambda make: make)
    stand_in("torchvision.ops.boxes", batched_nms=None, box_area=None)
    stand_in(
        "torchvision.transforms.functional",
        to_pil_image=Image.fromarray,
        resize=lambda image, size: image.resize((size[1], size[0]), Image.BILINEAR),
    )


def boxes_of(mask):
    """Boxes (x0, y0, x1, y1; right and bottom exclusive) of the mask's regions, corners touching; without specks."""
    height, width = mask.shape
    seen = np.zeros_like(mask)
    found = []
    for start in zip(*np.nonzero(mask)):
        if seen[start]:
            continue
        seen[start] = True
        stack, ys, xs = [start], [], []
        while stack:
            y, x = stack.pop()
            ys.append(y)
            xs.append(x)
            for v in range(max(0, y - 1), min(height, y + 2)):
                for u in range(max(0, x - 1), min(width, x + 2)):
                    if mask[v, u] and not seen[v, u]:
                        seen[v, u] = True
                        stack.append((v, u))
        found.append((min(xs), min(ys), max(xs) + 1, max(ys) + 1))
    area = lambda box: (box[2] - box[0]) * (box[3] - box[1])
    return [box for box in found if area(box) * 50 >= max(map(area, found))]


def dice(a, b):
    return 2 * (a & b).sum() / max(1, a.sum() + b.sum())


def main():
    code, weights, archive, results = sys.argv[1], sys.argv[2], Path(sys.argv[3]), Path(sys.argv[4])
    stand_ins()
    sys.path.insert(0, code)
    from mobile_sam import SamPredictor, sam_model_registry

    predictor = SamPredictor(sam_model_registry["vit_t"](checkpoint=weights).eval())
    ours_truth, theirs_truth, agreement, differing, foreseen = [], [], [], [], []
    with open(results / "boxes.csv", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["stage"] == "sam"]
    for row in rows:
        centre, study, name = row["centre"], row["study"], row["image"]
        png = Path(name).with_suffix(".png")
        image = np.array(Image.open(archive / centre / "studies" / study / name).convert("RGB"))
        truth = np.array(Image.open(archive / centre / "truth" / study / png).convert("L")) > 128
        ours = np.array(Image.open(results / "sam-masks" / centre / study / png).convert("L")) > 0
        predictor.set_image(image)
        theirs = np.zeros_like(truth)
        qualities = []
        for box in boxes_of(truth):
            masks, quality, _ = predictor.predict(box=np.array(box), multimask_output=False)
            theirs |= masks[0]
            qualities.append(float(quality[0]))
        foreseen.append(statistics.mean(qualities))
        ours_truth.append(dice(ours, truth))
        theirs_truth.append(dice(theirs, truth))
        agreement.append(dice(ours, theirs))
        differing.append(int((ours != theirs).sum()))
    print(f"{len(rows)} images, {sum(d == 0 for d in differing)} masks equal to the last pixel; "
          f"pixels that differ: {sum(differing)} in all, {max(differing)} of an image at most")
    print(f"Dice with the reference's masks: median {statistics.median(agreement):.5f}, least {min(agreement):.5f}")
    print(f"Dice with truth: ours {statistics.mean(ours_truth):.4f}, the reference {statistics.mean(theirs_truth):.4f}")
    with open(results / "rounds.csv", newline="") as file:
        metrics = next(row["metrics"] for row in csv.DictReader(file) if row["stage"] == "sam")
    ours = dict(part.split("=") for part in metrics.split("; "))["meanPredictedIoU"]
    print(f"IoU that the network foresees, mean: ours {float(ours):.6f}, the reference {statistics.mean(foreseen):.6f}")


main()
