"""Truths in PraNet's layout and predictions made from them by perturbing.

    predictions.py FRAMES WORK
"""
import sys
from pathlib import Path

import cv2
import numpy as np

EVERY = {"clinicdb": ("CVC-ClinicDB", 3), "neopolyp": ("NeoPolyp", 3)}


def perturbed(mask, random, may_resize):
    """A soft map that resembles the mask, in 256 levels; now and then empty, full, of one level, or of another size."""
    height, width = mask.shape
    moved = np.roll(mask.astype(np.float32) * 255, random.integers(-25, 26, 2), (0, 1))
    if random.random() < 0.3:
        moved[: height // 2, random.integers(0, width) :] = 0
    soft = cv2.GaussianBlur(moved, (0, 0), random.uniform(0.5, 12))
    soft = soft * random.uniform(0.5, 1.0) + random.normal(0, random.uniform(0, 12), mask.shape) + random.uniform(0, 20)
    kind = random.random()
    if kind < 0.03:
        soft[:] = 0
    elif kind < 0.05:
        soft[:] = 77
    elif kind < 0.25 and may_resize:
        soft = cv2.resize(soft, (random.integers(100, 500), random.integers(100, 500)), interpolation=cv2.INTER_LINEAR)
    return np.clip(soft, 0, 255).astype(np.uint8)


def main(frames, work):
    random = np.random.default_rng(19)
    for source, (name, every) in EVERY.items():
        images, masks, results = work / "TestDataset" / name / "images", work / "TestDataset" / name / "masks", work / "results" / name
        for folder in (images, masks, results):
            folder.mkdir(parents=True)
        for path in sorted((frames / source / "masks").glob("*.png"))[::every]:
            mask = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE) > 0
            stem = str(int(path.stem)) if source == "clinicdb" else path.stem
            (images / f"{stem}.jpg").write_bytes((frames / source / "images" / f"{path.stem}.jpg").read_bytes())
            cv2.imwrite(str(masks / f"{stem}.png"), mask.astype(np.uint8) * 255)
            cv2.imwrite(str(results / f"{stem}.png"), perturbed(mask, random, name == "NeoPolyp"))


main(Path(sys.argv[1]), Path(sys.argv[2]))
