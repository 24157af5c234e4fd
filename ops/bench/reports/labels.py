"""Whether every study of an archive has a label: labels.py ARCHIVE report-labels.csv; exits 1 when one lacks it."""

import collections
import csv
import json
import os
import sys

archive, table = sys.argv[1:]
studies = set()
for centre in sorted(os.listdir(archive)):
    with open(f"{archive}/{centre}/reports.jsonl", encoding="utf-8") as lines:
        studies |= {(centre, json.loads(line)["study"]) for line in lines}
with open(table, encoding="utf-8") as file:
    rows = list(csv.DictReader(file))
labelled = collections.Counter((row["centre"], row["study"]) for row in rows)
counts = collections.Counter(row["polyp"] for row in rows)
missing = len(studies - set(labelled))
print(f"{len(rows)} labels of {len(studies)} studies, {missing} missing: " + ", ".join(f"{key} {counts[key]}" for key in sorted(counts)))
sys.exit(1 if missing or len(rows) != len(studies) else 0)
