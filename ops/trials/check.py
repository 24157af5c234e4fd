"""Runs `endoked` over the trials' inputs and compares each with what is right for it (the trials' README)."""

import csv
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

program, trials, work = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
failures = 0


def report(name, is_right, what):
    global failures
    failures += not is_right
    print(f"  {'right' if is_right else 'WRONG'}  {name:42} {what}")


def endoked(*arguments):
    done = subprocess.run([program, *map(str, arguments)], capture_output=True, text=True, timeout=900)
    return done.returncode, done.stdout, done.stderr


def check(archive):
    """`archive check --json` of a folder: its issues, or the one message of an archive that cannot be opened."""
    code, output, errors = endoked("archive", "check", archive, "--json")
    try:
        issues = [issue for centre in json.loads(output)["centres"] for issue in centre["issues"]]
    except ValueError:
        issues = []
    return code, issues, output + errors


def rows(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def centres(parent, sources):
    """An archive whose centres are copies of `sources`, by name."""
    archive = work / parent
    for name, source in sources.items():
        shutil.copytree(source, archive / name)
    return archive


# Images: what is refused, and the word by which it must be called. Everything else is read.
refused = {
    "jpeg": {
        "21": "", "22": "", "23": "", "34": "", "35": "", "32": "", "48": "", "50": "",
        "27": "12", "28": "lossless", "36": "", "37": "", "40": "BMP", "41": "TIFF", "42": "GIF", "43": "WebP",
        "44": "JPEG 2000", "45": "AVIF", "46": "DICOM", "47": "HEI", "49": "",
    },
    "png": {"09": "", "16": "", "18": "", "20": "", "25": "", "27": "", "29": ""},
}
# Where both readings are right: read with a warning, or refused.
either = {"jpeg": {"01", "02", "20"}, "png": set()}


def check_images():
    print("images")
    sources = {name: trials / "images" / name / "c" for name in refused if (trials / "images" / name / "c").is_dir()}
    archive = centres("images", sources)
    out = work / "images-out"
    # Every stage that opens an image, and its items: what `archive check` says must be what a job does.
    code, _, errors = endoked("run", "--archive", archive, "--pipeline", pipeline(), "--out", out, "--workers", 1, "--slots", 2)
    if not (out / "items.csv").exists():
        return report("images", False, f"the run ended with exit code {code}: {errors[-300:]}")
    _, issues, _ = check(archive)
    items = {(row["centre"], row["study"], row["image"]): row for row in rows(out / "items.csv") if row["status"] in ("failed", "skipped")}
    scored = {(row["centre"], row["study"], row["image"]) for row in rows(out / "image-scores.csv")}
    for centre in sources:
        for study in sorted(path.name for path in (archive / centre / "studies").iterdir()):
            number = study[:2]
            image = sorted(path.name for path in (archive / centre / "studies" / study).iterdir())[0]
            key = (centre, study, image)
            said = [i for i in issues if i["centre"] == centre and i.get("study") == study and i.get("file", "").endswith(image)]
            errors = [i for i in said if i["severity"] == "error"]
            text = " ".join(i["message"] for i in said) + " " + items.get(key, {}).get("message", "")
            if number in either[centre]:
                right = (key in scored) != (key in items)
            elif number in refused[centre]:
                right = key in items and key not in scored and bool(errors) and refused[centre][number].lower() in text.lower()
            else:
                right = key in scored and key not in items and not errors
            report(f"{centre}/{study}", right, "read" if key in scored else "refused: " + text.strip()[:150])
    check_same_stem()


def check_same_stem():
    """A bag whose pictures have one stem and two extensions: each has a score and pictures of its own."""
    source = trials / "images" / "jpeg" / "c"
    archive = work / "stems" / "c"
    bag = archive / "studies" / "S1"
    bag.mkdir(parents=True)
    shutil.copy(source / "studies" / "00plain" / "01.jpg", bag / "01.jpg")
    shutil.copy(trials / "images" / "png" / "c" / "studies" / "00plain" / "01.png", bag / "01.png")
    shutil.copy(source / "studies" / "00plain" / "02.jpg", bag / "02.jpeg")
    shutil.copytree(bag, archive / "studies" / "S2")
    (archive / "reports.jsonl").write_text(
        '{"study": "S1", "patient": "P1", "split": "train", "text": "A 5 mm sessile polyp in the sigmoid."}\n'
        '{"study": "S2", "patient": "P2", "split": "train", "text": "No polyp was seen. Normal mucosa."}\n')
    out = work / "stems-out"
    endoked("run", "--archive", work / "stems", "--pipeline", pipeline(), "--out", out, "--workers", 1)
    scored = {(row["study"], row["image"]) for row in rows(out / "image-scores.csv")} if (out / "image-scores.csv").exists() else set()
    maps = list((out / "cams" / "c" / "S1").glob("*.png")) if (out / "cams").exists() else []
    report("one stem, two extensions", {("S1", "01.jpg"), ("S1", "01.png"), ("S1", "02.jpeg")} <= scored and len(maps) == 3,
           f"{len(scored)} images scored, {len(maps)} heat maps of three images")


def pipeline():
    """Scores, maps and evaluation by a network that was trained once, on synthetic images: trials are too few to learn from."""
    path = work / "trials.json5"
    if path.exists():
        return path
    endoked("synth", work / "synthetic", "--seed", 5, "--studies", 12, "--centres", 2)
    code, _, errors = endoked("run", "--archive", work / "synthetic", "--pipeline", "smoke", "--out", work / "trained")
    weights = work / "trained" / "models" / "mil-train.safetensors"
    if not weights.exists():
        sys.exit(f"the network for the trials could not be trained: exit code {code}: {errors[-300:]}")
    path.write_text(f"""{{ stages: [ {{ stage: "catalogue" }}, {{ stage: "labels" }},
        {{ stage: "mil-score", weights: "{weights}", studiesPerShard: 16 }},
        {{ stage: "cam", weights: "{weights}", threshold: 0, studies: "all", splits: ["train", "val", "test"], imagesPerShard: 32 }},
        {{ stage: "evaluate", splits: ["train", "val", "test"] }} ] }}""")
    return path


# Tables: "read", or the words of which one must name what is wrong.
tables = {
    "a02": "read|semicolon", "a16": "read|tab", "a17": "read", "a04": "read", "a05": "read|GB18030|GBK|UTF-8", "b12": "read|GB18030|GBK|UTF-8",
    "a07": "read|UTF-16", "a09": "spreadsheet", "a11": "read", "a12": "read", "a13": "read", "a24": "column", "b02": "line|row",
    "m01": "read", "m02": "read",
}


def check_tables():
    print("tables")
    for folder in sorted((trials / "tables").iterdir()):
        expected = tables.get(folder.name[:3])
        if expected is None:
            continue
        code, issues, text = check(folder / "c" if not (folder / "c" / "manifest.csv").exists() else folder / "c")
        errors = [i for i in issues if i["severity"] == "error" and "image" not in i["code"]]
        said = " ".join(i["message"] for i in errors) or text[:400]
        words = expected.split("|")
        named = any(re.search(word, said, re.IGNORECASE) for word in words if word != "read")
        right = ("read" in words and not errors and code in (0, 3)) or named
        if folder.name.startswith("a24"):
            right = right and not re.search("4711|Mustermann|Polyp im|Musterfrau|Brustkrebs", text)
        report(folder.name, right, "read" if not errors else "said: " + said[:150])


def check_truth():
    print("truth")
    folders = {path.name: path for path in sorted((trials / "truth").iterdir()) if (path / "reports.jsonl").exists()}
    # One job, one network: the same images have the same scores and maps in every centre, and so must have the same figures.
    archive = centres("truth", {name.lower(): path for name, path in folders.items()})
    out = work / "truth-out"
    code, _, errors = endoked("run", "--archive", archive, "--pipeline", pipeline(), "--out", out, "--workers", 1, "--slots", 2)
    if not (out / "evaluations.csv").exists():
        return report("truth", False, f"the run ended with exit code {code}: {errors[-300:]}")
    figures = {}
    for row in rows(out / "evaluations.csv"):
        key = (row["subject"], row["level"], row["head"], row["metric"])
        figures.setdefault(row["centre"], {})[key] = (row["value"], row["count"])
    items = rows(out / "items.csv")
    plain = {key: value for key, value in figures.get("00plain", {}).items() if key[1] not in ("report", "study", "bag")}
    report("00plain", bool(plain), f"{len(plain)} figures of images, boxes and masks")
    for name in folders:
        name = name.lower()
        if name == "00plain":
            continue
        problems = {(row["study"], row["image"]) for row in items if row["centre"] == name and row["status"] == "failed" and row["image"]}
        ours = figures.get(name, {})
        if name.startswith(("03", "17")):
            # Every mask of it is a problem: reported one by one, nothing counted as Dice 0, the other figures there.
            dice = [value for key, value in ours.items() if "dice" in key[3].lower() and value[0] not in ("",) and value[1] != "0"]
            report(name, len(problems) >= 13 and not dice and bool(ours),
                   f"{len(problems)} masks reported, {len(dice)} Dice figures, {len(ours)} figures in all")
            continue
        different = [key for key, value in plain.items() if ours.get(key) != value]
        report(name, bool(plain) and not different and not problems,
               f"{len(plain) - len(different)} of {len(plain)} figures equal" + (f", not {different[0]}" if different else ""))


def check_bad_masks():
    source = trials / "truth" / "two-bad-masks-archive"
    if not source.is_dir():
        return
    archive = work / "two-bad"
    shutil.copytree(source, archive)
    shutil.copytree(trials / "truth" / "00plain", archive / "good")
    out = work / "two-bad-out"
    endoked("run", "--archive", archive, "--pipeline", pipeline(), "--out", out, "--workers", 1, "--slots", 2)
    items = [row for row in rows(out / "items.csv") if row["stage"] == "evaluate" and row["status"] == "failed"]
    measured = {row["centre"] for row in rows(out / "evaluations.csv") if row["value"]}
    report("two-bad-masks-archive", len(items) >= 2 and {"north", "good"} <= measured and all(row["study"] and row["image"] for row in items),
           f"{len(items)} masks reported, centres measured: {', '.join(sorted(measured))}")


check_images()
check_tables()
check_truth()
check_bad_masks()
print(f"{failures} inputs have another result than is right" if failures else "every input has the result that is right for it")
sys.exit(1 if failures else 0)
