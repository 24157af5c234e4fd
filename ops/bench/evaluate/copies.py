"""Plants copies of public frames, lets `endoked evaluate --trained` look for them, and counts.

    copies.py FRAMES WORK PROGRAM
Trained: all frames. Evaluated: for each kind of copy a data set of every fourth frame, changed. A pair counts as false where its
frames are of different sequences (ClinicDB) or sources; the sequences of NeoPolyp and Kvasir are not known, so that pairs within
one of them are told apart and not counted.
"""
import bisect
import csv
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np

FIRST = [1, 26, 51, 68, 79, 104, 127, 152, 178, 200, 206, 228, 253, 278, 298, 318, 343, 364, 384, 409, 429, 448, 467, 479, 504, 529, 547, 572, 592]
random = np.random.default_rng(6)


def saved(image, quality):
    return cv2.imdecode(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1], cv2.IMREAD_COLOR)


def sized(image, width, height):
    return cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA if width < image.shape[1] else cv2.INTER_CUBIC)


def cropped(image, least, most):
    height, width = image.shape[:2]
    h, w = (int(side * (1 - random.uniform(least, most))) for side in (height, width))
    y, x = random.integers(0, height - h + 1), random.integers(0, width - w + 1)
    return image[y : y + h, x : x + w]


def written(image):
    image = image.copy()
    height, width = image.shape[:2]
    for _ in range(3):
        text = "".join(random.choice(list("ABCDEFGH 0123456789:/."), 14))
        place = int(random.uniform(0, 0.5) * width), int(random.uniform(0.08, 0.98) * height)
        cv2.putText(image, text, place, cv2.FONT_HERSHEY_SIMPLEX, height / 400, (255, 255, 255), max(1, height // 200))
    if random.random() < 0.5:
        cv2.rectangle(image, (0, int(height * 0.75)), (int(width * 0.25), height), (0, 0, 0), -1)
    return image


def brighter(image):
    level = (image / 255.0) ** random.uniform(0.8, 1.25) * 255 * random.uniform(0.85, 1.15) + random.uniform(-8, 8)
    return np.clip(level, 0, 255).astype(np.uint8)


KINDS = {
    "jpeg-20": lambda i: saved(i, 20), "jpeg-40": lambda i: saved(i, 40), "jpeg-70": lambda i: saved(i, 70), "jpeg-90": lambda i: saved(i, 90),
    "half": lambda i: sized(i, i.shape[1] // 2, i.shape[0] // 2), "double": lambda i: sized(i, i.shape[1] * 2, i.shape[0] * 2),
    "square-352": lambda i: sized(i, 352, 352), "cropped-5": lambda i: cropped(i, 0.0, 0.05), "cropped-10": lambda i: cropped(i, 0.05, 0.10),
    "written": written, "brighter": brighter,
    "all-at-once": lambda i: saved(brighter(written(cropped(sized(i, 352, 352), 0.0, 0.10))), 50),
}


def group(key):
    source, stem = key
    return source, bisect.bisect_right(FIRST, int(stem)) if source == "clinicdb" else None


def main(frames, work, program):
    paths = sorted(frames.glob("*/images/*.jpg"))
    trained = work / "trained"
    for path in paths:
        (trained / path.parts[-3]).mkdir(parents=True, exist_ok=True)
        link = trained / path.parts[-3] / path.name
        if not link.is_symlink():
            link.symlink_to(path)
    command = [program, "evaluate", "--trained", str(trained), "--out", str(work / "copies")]
    planted = {}
    for number, (kind, change) in enumerate(KINDS.items()):
        folder = work / "planted" / kind
        is_there = folder.exists()
        for part in ("images", "masks"):
            (folder / part).mkdir(parents=True, exist_ok=True)
        for path in paths[number % 4 :: 4]:
            planted.setdefault(kind, set()).add((path.parts[-3], path.stem))
            if is_there:
                continue
            image = change(cv2.imread(str(path)))
            name = f"{path.parts[-3]}.{path.stem}.png"
            cv2.imwrite(str(folder / "images" / name), image)
            cv2.imwrite(str(folder / "masks" / name), np.zeros(image.shape[:2], np.uint8))
        command += ["--dataset", f"{kind}={folder}"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    groups = {}
    for path in paths:
        key = group((path.parts[-3], path.stem))
        groups[key] = groups.get(key, 0) + 1
    found, wrong, within = {}, {}, {}
    for row in csv.DictReader(open(work / "copies/copies.csv")):
        query = tuple(row["image"].removesuffix(".png").split(".", 1))
        other = Path(row["trained"])
        trained_key = (other.parts[-2], other.stem)
        kind = row["dataset"]
        if query == trained_key:
            found[kind] = found.get(kind, 0) + 1
        elif group(query) != group(trained_key):
            wrong[kind] = wrong.get(kind, 0) + 1
        elif query[0] != "clinicdb":
            within[kind] = within.get(kind, 0) + 1
    total = [0, 0, 0, 0]
    for kind, keys in planted.items():
        pairs = sum(len(paths) - groups[group(key)] for key in keys)
        hits, false = found.get(kind, 0), wrong.get(kind, 0)
        print(f"{kind:12} planted {len(keys):4}  found {hits:4}  recall {hits / len(keys):.4f}  false pairs {false} of {pairs}  "
              f"alike within NeoPolyp or Kvasir {within.get(kind, 0)}")
        total = [a + b for a, b in zip(total, (len(keys), hits, false, pairs))]
    recall, rate = total[1] / total[0], total[2] / total[3]
    print(f"in all: recall {recall:.4f} ({total[1]} of {total[0]}), false-positive rate {rate:.1e} ({total[2]} of {total[3]} pairs)")
    least = min(found.get(kind, 0) / len(keys) for kind, keys in planted.items())
    sys.exit(recall < 0.99 or least < 0.97 or rate > 1e-3)


main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])
