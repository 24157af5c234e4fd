"""Dice, S- and E-measure of predictions against an archive's masks, both sides by one library: PySODMetrics.

    score.py ARCHIVE NAME=SEGMENTS …
"""
import sys
from pathlib import Path

import numpy as np
from PIL import Image
from py_sod_metrics import Emeasure, Smeasure


def measure(pairs):
    s, e, dice = Smeasure(), Emeasure(), []
    for prediction, truth in pairs:
        seen = np.array(Image.open(prediction).convert("L"))
        mask = np.array(Image.open(truth).convert("L"))
        s.step(pred=seen, gt=mask)
        e.step(pred=seen, gt=mask)
        both, ours, theirs = ((seen >= 128) & (mask > 127)).sum(), (seen >= 128).sum(), (mask > 127).sum()
        dice.append(2 * both / max(1, ours + theirs))
    curve = e.get_results()["em"]["curve"]
    return len(dice), np.mean(dice), s.get_results()["sm"], np.mean(curve), np.max(curve)


def main(archive, sides):
    print(f"{'':24} {'centre':10} {'images':>6} {'Dice':>6} {'S':>6} {'mean E':>6} {'max E':>6}")
    for name, folder in sides:
        found = sorted(Path(folder).glob("*/*/*.png"))
        if not found:
            sys.exit(f"score.py: no predictions in {folder}")
        for centre in sorted({path.parts[-3] for path in found}) + [None]:
            pairs = [
                (path, archive / path.parts[-3] / "truth" / path.parts[-2] / path.name)
                for path in found if centre in (None, path.parts[-3])
            ]
            count, *values = measure(pairs)
            print(f"{name:24} {centre or 'all':10} {count:6} " + " ".join(f"{value:6.3f}" for value in values))


if __name__ == "__main__":
    main(Path(sys.argv[1]), [argument.split("=", 1) for argument in sys.argv[2:]])
