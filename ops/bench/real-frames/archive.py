"""An archive of the real frames in ../shared/data/frames: ClinicDB by sequence, NeoPolyp by frame, with their masks.

    archive.py FRAMES OUT

A study of `clinicdb` is a sequence (its frames show one polyp: a split never cuts through one), a study of `neopolyp` a
frame. Every fourth study is held out for the test, every tenth for validation. Images are linked, or copied to another disk.
"""
import json
import shutil
import sys
from pathlib import Path

from PIL import Image

# First and last frame of ClinicDB's sequences, as ../shared/data/README.md lists them.
SEQUENCES = [
    (1, 25), (26, 50), (51, 67), (68, 78), (79, 103), (104, 126), (127, 151), (152, 177), (178, 199), (200, 205),
    (206, 227), (228, 252), (253, 277), (278, 297), (298, 317), (318, 342), (343, 363), (364, 383), (384, 408),
    (409, 428), (429, 447), (448, 466), (467, 478), (479, 503), (504, 528), (529, 546), (547, 571), (572, 591), (592, 612),
]


def studies_of(folder, name):
    """Study → its images, in the order of their names."""
    images = sorted((folder / "images").iterdir())
    if name == "neopolyp":
        return {path.stem: [path] for path in images}
    found = {}
    for path in images:
        frame = int(path.stem)
        sequence = next(i for i, (first, last) in enumerate(SEQUENCES, 1) if first <= frame <= last)
        found.setdefault(f"sequence-{sequence:02d}", []).append(path)
    return found


def split_of(position):
    return "test" if position % 4 == 1 else "val" if position % 10 == 4 else "train"


def main(frames, out):
    for name in ("clinicdb", "neopolyp"):
        source, centre = frames / name, out / name
        counts = {"train": 0, "val": 0, "test": 0}
        rows = []
        for position, (study, images) in enumerate(sorted(studies_of(source, name).items())):
            split = split_of(position)
            for path in images:
                link = centre / "studies" / study / path.name
                link.parent.mkdir(parents=True, exist_ok=True)
                if not link.exists():
                    try:
                        link.hardlink_to(path)
                    except OSError:
                        shutil.copyfile(path, link)
                truth = centre / "truth" / study / f"{path.stem}.png"
                truth.parent.mkdir(parents=True, exist_ok=True)
                # 0 and 255, or the classes 1 and 2 of NeoPolyp: all is polyp.
                mask = Image.open(source / "masks" / f"{path.stem}.png").convert("L")
                mask.point(lambda level: 255 if level > 0 else 0).save(truth)
                counts[split] += 1
            rows.append({"study": study, "patient": study, "split": split, "language": "en", "text": "There is a polyp."})
        (centre / "reports.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        print(f"{name}: {len(rows)} studies; images " + ", ".join(f"{split} {n}" for split, n in counts.items()))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
