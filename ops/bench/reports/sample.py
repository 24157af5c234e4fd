"""Draws reports of each language, always the same ones: sample.py COUNT OUT FILE…; a count of 0 takes all."""

import json
import random
import sys

count, out, files = int(sys.argv[1]), sys.argv[2], sys.argv[3:]
by_language = {}
for name in files:
    with open(name, encoding="utf-8") as lines:
        for line in lines:
            report = json.loads(line)
            if "polyp" in report:
                by_language.setdefault(report["language"], []).append(line)
draw = random.Random(20)
with open(out, "w", encoding="utf-8") as target:
    for language in sorted(by_language):
        lines = by_language[language]
        target.writelines(lines if count == 0 else draw.sample(lines, min(count, len(lines))))
