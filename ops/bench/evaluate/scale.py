"""Many small pictures, made by mixing and moving public frames, and the time that `endoked evaluate --trained` takes.

    scale.py FRAMES WORK PROGRAM TRAINED EVALUATED
"""
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np

random = np.random.default_rng(7)


def main(frames, work, program, trained, evaluated):
    sources = [cv2.resize(cv2.imread(str(path)), (160, 128), interpolation=cv2.INTER_AREA) for path in sorted(frames.glob("*/images/*.jpg"))]

    def mixed():
        one, other = (sources[random.integers(len(sources))] for _ in range(2))
        moved = np.roll(other, random.integers(0, 128, 2), (0, 1))[:: random.choice([1, -1]), :: random.choice([1, -1])]
        return cv2.addWeighted(one[:, :: random.choice([1, -1])], 0.5, moved, 0.5, 0)

    for folder, count in (("scale/trained", trained), ("scale/set/images", evaluated)):
        for number in range(count):
            if number % 1000 == 0:
                place = work / folder / (f"{number // 1000:03}" if folder.endswith("trained") else "")
                place.mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(place / f"{number:06}.jpg"), mixed(), [cv2.IMWRITE_JPEG_QUALITY, 80])
    masks = work / "scale/set/masks"
    masks.mkdir()
    blank = cv2.imencode(".png", np.zeros((128, 160), np.uint8))[1].tobytes()
    for number in range(evaluated):
        (masks / f"{number:06}.png").write_bytes(blank)
    began = time.time()
    subprocess.run(
        [program, "evaluate", "--trained", str(work / "scale/trained"), "--dataset", f"scale={work / 'scale/set'}",
         "--out", str(work / "scale/out")], check=True)
    print(f"{trained} against {evaluated}: {time.time() - began:.0f} s")


main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], int(sys.argv[4]), int(sys.argv[5]))
