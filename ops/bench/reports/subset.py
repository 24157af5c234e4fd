"""Some studies of an archive, always the same ones: subset.py ARCHIVE OUT COUNT REPORTS…; a count of 0 takes all.

Half of them have a report with identifiers, as REPORTS tell. Prints how many studies and how many texts there are.
"""

import json
import os
import random
import shutil
import sys

archive, out, count, reports = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4:]


def read(path):
    with open(path, encoding="utf-8") as lines:
        return [json.loads(line) for line in lines if line.strip()]


named = {report["text"] for path in reports for report in read(path) if report.get("identifiers")}
studies = [(centre, study) for centre in sorted(os.listdir(archive)) for study in read(f"{archive}/{centre}/reports.jsonl")]
random.Random(20).shuffle(studies)
if count:
    with_names = [one for one in studies if one[1]["text"] in named][: count // 2]
    others = [one for one in studies if one[1]["text"] not in named]
    studies = with_names + others[: count - len(with_names)]
for centre, study in studies:
    os.makedirs(f"{out}/{centre}/studies", exist_ok=True)
    shutil.copytree(f"{archive}/{centre}/studies/{study['study']}", f"{out}/{centre}/studies/{study['study']}")
    with open(f"{out}/{centre}/reports.jsonl", "a", encoding="utf-8") as file:
        file.write(json.dumps(study, ensure_ascii=False) + "\n")
print(len(studies), len({study["text"] for _, study in studies}))
