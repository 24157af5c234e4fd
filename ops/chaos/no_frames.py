"""Searches a ledger's database for frames of an archive; called by no-frames.

usage: no_frames.py PSQL DATABASE DATA_FOLDER ARCHIVE RESULTS none|frames KIND...

KINDs are the pictures of frames that RESULTS must hold: they came from the worker's folder. They are also what the search
is tried on first: each must be known again as its frame.
"""

import base64
import collections
import hashlib
import io
import json
import pathlib
import re
import subprocess
import sys

import numpy
from PIL import Image

psql, database, data_folder, archive, results, expected, *kinds = sys.argv[1:]
archive, results = pathlib.Path(archive), pathlib.Path(results)
MAGIC = re.compile(rb"\xff\xd8\xff|\x89PNG\r\n\x1a\n")
# What a picture begins with in files whose rows are cut into pieces: a JPEG's usual segments, a PNG's head with colours.
HEADS = re.compile(rb"\xff\xd8\xff(?:\xe0\x00\x10JFIF|\xe1..Exif|\xdb\x00\x43)|\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR.{9}[\x02\x03\x06]", re.S)
ENCODED = [base64.b64encode(b"\x89PNG\r\n\x1a\n\x00")[:11], b"/9j/4A", b"\\\\xffd8ffe0", b"89504e470d0a1a0a"]


def sql(statement):
    """Rows of fields, as psql prints them."""
    told = subprocess.run(
        [psql, "-XqAt", "-F", "\t", database, "-c", statement], check=True, capture_output=True).stdout
    return [line.split(b"\t") for line in told.split(b"\n") if line]


def decoded(data):
    try:
        return Image.open(io.BytesIO(data)).convert("RGB")
    except Exception:
        return None


def fine(image, size):
    """The details of a picture's brightness, of length 1: what is left when a blurred copy is taken away."""
    grey = numpy.asarray(image.convert("L").resize(size, Image.Resampling.BILINEAR), dtype=numpy.float64)
    blurred = sum(
        numpy.roll(grey, (y, x), (0, 1)) for y in (-1, 0, 1) for x in (-1, 0, 1)) / 9
    # A copy's border comes round from the other side.
    detail = (grey - blurred)[2:-2, 2:-2].ravel()
    length = numpy.linalg.norm(detail)
    return detail / length if length > 1e-6 else None


SIZE = (96, 96)
frames, details, pixels = [], [], collections.defaultdict(list)
for path in sorted(archive.glob("*/studies/*/*")):
    image = decoded(path.read_bytes())
    if image is None:
        continue
    frames.append(path)
    details.append(fine(image, SIZE))
    # A ninth of the pixels. Dark surroundings of a round view are no patient's: only what is bright counts.
    sample = numpy.asarray(image)[::3, ::3].astype(numpy.int16)
    pixels[image.size].append((path, sample, sample.max(axis=2) > 40))
details = numpy.stack(details)
print(f"  {len(frames)} frames in the archive")


def frame_of(image):
    """The frame that a picture shows, and why it is thought so; None for one that shows none."""
    sample = numpy.asarray(image)[::3, ::3].astype(numpy.int16)
    # A picture of two levels is a shape.
    if image.getcolors(2) is not None:
        return None
    detail = fine(image, SIZE)
    if detail is None:
        return None
    alike = details @ detail
    best = int(alike.argmax())
    if alike[best] > 0.5:
        return frames[best], f"details alike by {alike[best]:.2f}"
    for path, frame, lit in pixels[image.size]:
        equal = (numpy.abs(sample[lit] - frame[lit]) <= 2).all(axis=1).mean() if lit.any() else 0
        if equal > 0.1:
            return path, f"{equal:.0%} of its pixels equal"
    return None


# The search itself: it must know overlays again, and must not take masks and maps for frames.
shown = {kind: sorted((results / f"{kind}s").glob("*/*/*.png")) for kind in kinds}
for kind, pictures in shown.items():
    if expected == "none":
        assert pictures, f"{results} holds no {kind}: the worker's folder should have had some"
    for path in pictures[:40]:
        found = frame_of(decoded(path.read_bytes()))
        assert found, f"the search does not know {path} again"
        assert found[0].stem == path.stem and found[0].parent.name == path.parent.name, f"{path} is taken for {found[0]}"
    print(f"  {kind}: {len(pictures)} in the results, known again as frames")

owners = collections.defaultdict(set)
for kind, digest in sql("SELECT DISTINCT kind, encode(digest, 'hex') FROM mask"):
    owners[digest].add(kind.decode())
for digest, kind in sql("SELECT encode(digest, 'hex'), role || ' of ' || stage FROM shard_blob b JOIN shard s ON s.id = b.shard"):
    if digest not in owners:
        owners[digest].add(kind.decode())

seen, found = collections.Counter(), collections.Counter()
digests = [row[0].decode() for row in sql("SELECT DISTINCT encode(digest, 'hex') FROM blob_chunk")]
for digest in digests:
    chunks = sql(f"SELECT encode(bytes, 'hex') FROM blob_chunk WHERE digest = '\\x{digest}' ORDER BY ordinal")
    data = b"".join(bytes.fromhex(chunk[0].decode()) for chunk in chunks)
    kind = ", ".join(sorted(owners[digest.encode()])) or "parameters, states and contents that nothing names"
    seen[kind, "contents"] += 1
    for match in MAGIC.finditer(data):
        image = decoded(data[match.start():])
        if image is None:
            continue
        seen[kind, "pictures"] += 1
        frame = frame_of(image)
        if frame:
            found[kind] += 1
            if found[kind] == 1:
                print(f"  FRAME in {kind}: {frame[0].relative_to(archive)}, {frame[1]}")
    for text in ENCODED:
        assert text not in data or kind.startswith("parameters") or len(data) > 1 << 20, f"{kind} holds a picture as text"
for kind in sorted({kind for kind, _ in seen}):
    print(f"  {kind}: {seen[kind, 'contents']} contents, {seen[kind, 'pictures']} pictures, {found[kind]} frames")

# All other rows, as text.
tables = [row[0].decode() for row in sql("SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'blob_chunk'")]
bare = set()
for table in archive.glob("*/reports.jsonl"):
    for line in table.read_text().splitlines():
        patient = json.loads(line)["patient"]
        for text in (f"patient\0{table.parent.name}\0{patient}", f"{table.parent.name}\0{patient}", patient):
            bare.add(hashlib.sha256(text.encode()).hexdigest().encode())
for table in tables:
    rows = b"\n".join(b"\t".join(row) for row in sql(f"SELECT t::text FROM {table} t"))
    for text in ENCODED:
        assert text not in rows, f"table {table} holds a picture"
    keys = set(re.findall(rb"[0-9a-f]{64}", rows))
    assert not keys & bare, f"table {table} holds a patient's bare digest"
print(f"  {len(tables)} other tables: no picture, and none of {len(bare)} bare digests of patients")

# The files themselves, with what was deleted and what is still in the log.
heads = sum(
    1 for path in pathlib.Path(data_folder).rglob("*") if path.is_file() for _ in HEADS.finditer(path.read_bytes()))
print(f"  files of the database: {heads} heads of pictures in colour")

total = sum(found.values())
if expected == "none":
    assert total == 0, f"{total} frames are in the database"
    assert heads == 0, f"{heads} pictures in colour are in the database's files"
else:
    assert total > 0 and heads > 0, "the search found no frame where there are some"
